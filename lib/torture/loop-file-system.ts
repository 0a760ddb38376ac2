/**
 * A file system in an image file, whose power can be cut: XFS_IOC_GOINGDOWN without a flush of the log
 * stops it at once. What was written to the device stays, everything else that was only in the page
 * cache, data and metadata, is gone when it is mounted again. Node can't make that call; `xfs_io` can,
 * for ext4 too.
 *
 * The image file is the device including its cache: a flush that is missing between kernel and
 * device can't be seen this way.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { remember } from './child.js'
import { command, mount, tortureFailed, unmount } from './mounts.js'

export const fileSystemTypes = ['ext4', 'xfs'] as const
export type FileSystemType = (typeof fileSystemTypes)[number]

/** mkfs.xfs takes no less than 300 MB. The file is sparse. */
const imageBytes = 320 * 1024 * 1024

const tools: Record<FileSystemType, { make: string; words: string[] }> = {
  ext4: { make: 'mkfs.ext4', words: ['-q', '-F', '-m', '0'] },
  xfs: { make: 'mkfs.xfs', words: ['-q', '-f'] },
}

/** '' if power can be cut here, otherwise what is missing. */
export function lacksForPowerCut(types: readonly FileSystemType[]): string {
  if (process.platform !== 'linux') return 'power cuts need Linux'
  if (process.getuid?.() !== 0) return 'power cuts need root: loop devices and mounts'
  for (const name of ['mount', 'umount', 'losetup', ...types.map((type) => tools[type].make)]) {
    if (spawnSync(name, ['-V']).error) return `power cuts need the command ${name}`
  }
  if (spawnSync('xfs_io', ['-V']).error) return 'power cuts need xfs_io (package xfsprogs)'
  const free = spawnSync('losetup', ['--find'], { encoding: 'utf8' })
  if (free.status !== 0) return `power cuts need a free loop device: ${free.stderr.trim()}`
  return ''
}

export class LoopFileSystem {
  readonly type: FileSystemType
  /** The mount point. */
  readonly directory: string
  readonly #image: string
  #cutter: ChildProcess | undefined

  constructor(type: FileSystemType, directory: string) {
    this.type = type
    this.directory = path.join(directory, type)
    this.#image = path.join(directory, `${type}.image`)
    mkdirSync(this.directory, { recursive: true })
    writeFileSync(this.#image, '')
    truncateSync(this.#image, imageBytes)
    const { make, words } = tools[type]
    command(make, [...words, this.#image])
  }

  mount(): void {
    mount(['-o', 'loop', this.#image], this.directory)
  }

  /** Has the cut at hand, so that it comes within a millisecond of being asked for. */
  arm(): void {
    const cutter = spawn('xfs_io', ['-x', this.directory], {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    })
    remember(cutter)
    this.#cutter = cutter
  }

  /** Stops the file system; returns when it has. */
  async cut(): Promise<void> {
    const cutter = this.#cutter
    this.#cutter = undefined
    if (cutter === undefined) throw new Error('the cut is not armed')
    let stderr = ''
    cutter.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const closed = once(cutter, 'close')
    cutter.stdin?.end('shutdown\n')
    await closed
    this.#assertDown(stderr)
  }

  /** Gives a cut that was armed up. */
  async disarm(): Promise<void> {
    const cutter = this.#cutter
    this.#cutter = undefined
    if (cutter === undefined) return
    const closed = once(cutter, 'close')
    cutter.stdin?.end()
    await closed
  }

  unmount(): void {
    unmount(this.directory)
  }

  /** Deletes the image; the file system is not mounted. */
  remove(): void {
    rmSync(this.#image, { force: true })
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** A file system that still takes writes would make every check pass. */
  #assertDown(stderr: string): void {
    try {
      writeFileSync(path.join(this.directory, 'probe'), 'still up')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EIO' || code === 'EUCLEAN' || code === 'ESHUTDOWN' || code === 'EROFS') return
      throw error
    }
    throw tortureFailed(`the ${this.type} file system did not stop: ${stderr.trim()}`)
  }
}

/**
 * Writes a random part of a file back to the device, as the kernel does when it pleases: without it, what
 * was not synced would always be lost as a whole, and never leave a hole or a torn entry.
 */
export async function writeBack(file: string, offset: number, bytes: number): Promise<void> {
  const range = `sync_range -w -a ${String(offset)} ${String(bytes)}`
  const child = spawn('xfs_io', ['-r', '-c', range, file], { stdio: 'ignore', detached: true })
  remember(child)
  await once(child, 'close')
}
