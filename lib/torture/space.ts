/**
 * How a disk gets full, and has room again: a small tmpfs that a ballast file fills (root on Linux), a
 * limit on the size of files that is set on the running writer (Linux), or one that the writer is started
 * with and keeps (elsewhere). A limit on file size is reported as "no space" by the engine, as a full disk is.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Launcher } from './child.js'
import { mount, unmount } from './mounts.js'

export const spaceKinds = ['tmpfs', 'limit', 'ulimit'] as const
export type SpaceKind = (typeof spaceKinds)[number]

export interface Space {
  readonly kind: SpaceKind
  /** The parent of the data directories. */
  readonly directory: string
  /** How a writer must be started, once a directory holds a journal. */
  readonly launcher: Launcher | undefined
  fill(pid: number): void
  /** false: the writer can no longer be helped. */
  free(pid: number): boolean
  dispose(): void
}

const tmpfsMiB = 24
const ballastBytes = 64 * 1024
/** Bytes: less than any segment and most snapshots, and enough for files that are there from the start. */
const fileLimit = 8192
/** Blocks of 512 or 1,024 bytes: between the segments that are there, 64 KiB, and those of 1 MiB. */
const ulimitBlocks = 600

export function availableSpaceKind(): SpaceKind {
  if (process.platform !== 'linux') return 'ulimit'
  if (process.getuid?.() === 0) return 'tmpfs'
  return spawnSync('prlimit', ['--version']).error === undefined ? 'limit' : 'ulimit'
}

export function makeSpace(kind: SpaceKind, directory: string): Space {
  mkdirSync(directory, { recursive: true })
  if (kind === 'tmpfs') return new TmpfsSpace(directory)
  return kind === 'limit' ? new LimitSpace(directory) : new UlimitSpace(directory)
}

class TmpfsSpace implements Space {
  readonly kind = 'tmpfs'
  readonly directory: string
  readonly launcher = undefined

  constructor(directory: string) {
    this.directory = directory
    mount(['-t', 'tmpfs', '-o', `size=${String(tmpfsMiB)}m`, 'pinnacle-torture'], directory)
  }

  get #ballast(): string {
    return path.join(this.directory, 'ballast')
  }

  fill(): void {
    const chunk = new Uint8Array(ballastBytes)
    const file = openSync(this.#ballast, 'a')
    try {
      for (let bytes = ballastBytes; bytes >= 4096;) {
        try {
          writeSync(file, chunk, 0, bytes)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          bytes /= 2
        }
      }
    } finally {
      closeSync(file)
    }
  }

  free(): boolean {
    rmSync(this.#ballast, { force: true })
    return true
  }

  dispose(): void {
    unmount(this.directory)
  }
}

class LimitSpace implements Space {
  readonly kind = 'limit'
  readonly launcher = undefined
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  fill(pid: number): void {
    this.#limit(pid, String(fileLimit))
  }

  free(pid: number): boolean {
    this.#limit(pid, 'unlimited')
    return true
  }

  /** Only the soft limit, so that it can be lifted again. A writer that is gone has no limit either. */
  #limit(pid: number, soft: string): void {
    spawnSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:`])
  }

  dispose(): void {
    // Nothing was mounted.
  }
}

class UlimitSpace implements Space {
  readonly kind = 'ulimit'
  readonly directory: string
  readonly launcher: Launcher = (command, words) => ({
    command: 'sh',
    words: ['-c', `ulimit -f ${String(ulimitBlocks)}; exec "$0" "$@"`, command, ...words],
  })

  constructor(directory: string) {
    this.directory = directory
  }

  fill(): void {
    // It is from the start.
  }

  free(): boolean {
    return false
  }

  dispose(): void {
    // Nothing was mounted.
  }
}
