/**
 * The few things that the credentials do with files, as a seam: a test can fail or observe each one.
 * Paths are absolute.
 */
import { constants } from 'node:fs'
import { lstat, open, readdir, rename, unlink } from 'node:fs/promises'

/** Facts of a file's name. */
export interface FileFacts {
  /** What it is; 'link' is a symbolic one. */
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  /** Permission bits. */
  readonly mode: number
  /** Id of its owner. */
  readonly uid: number
  /** Number of its hard links. */
  readonly links: number
  /** Bytes of its content. */
  readonly bytes: number
}

/** What credentials and audit trail do with files, all paths absolute; a test can fail or watch each. */
export interface FileOperations {
  /** Facts of the name itself: a symbolic link is not followed. */
  facts(path: string): Promise<FileFacts>
  /** Opens without following a link, checks by `accept` what was opened, and reads up to `maxBytes` + 1. */
  read(path: string, accept: (facts: FileFacts) => void, maxBytes: number): Promise<Buffer>
  /** A new file of mode 600, whatever the umask; fails if the name exists. Synced. */
  create(path: string, bytes: Uint8Array): Promise<void>
  /** Renames, and replaces a file of the new name. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. */
  remove(path: string): Promise<void>
  /** Names in a directory. */
  list(directory: string): Promise<string[]>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
}

interface StatLike {
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  readonly mode: number
  readonly uid: number
  readonly nlink: number
  readonly size: number
}

function factsOf(stat: StatLike): FileFacts {
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'link'
        : 'other'
  return { kind, mode: stat.mode & 0o7777, uid: stat.uid, links: stat.nlink, bytes: stat.size }
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

export const realFiles: FileOperations = {
  async facts(path) {
    return factsOf(await lstat(path))
  },

  async read(path, accept, maxBytes) {
    // O_NONBLOCK: opening a pipe that someone put there must not hang.
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const facts = factsOf(await file.stat())
      accept(facts)
      const room = Buffer.alloc(Math.min(facts.bytes, maxBytes) + 1)
      let length = 0
      for (;;) {
        const { bytesRead } = await file.read(room, length, room.length - length, length)
        length += bytesRead
        if (bytesRead === 0 || length === room.length) break
      }
      return room.subarray(0, length)
    } finally {
      await file.close()
    }
  },

  async create(path, bytes) {
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await file.chmod(0o600) // a umask may have taken the owner's bits away; it never adds any
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  },

  rename,
  remove: unlink,
  list: (directory) => readdir(directory),

  async syncDirectory(path) {
    const directory = await open(path, O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}
