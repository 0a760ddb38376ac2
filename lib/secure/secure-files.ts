/**
 * Reading and replacing files that hold secrets.
 *
 * - A file counts only if it is a regular file of mode 600 or tighter, owned by this user, with one
 *   name; its directory must be this user's and closed to others. What is looser is refused with the
 *   command that mends it. The check is made on the opened file, not on its name.
 * - Replacing is atomic: a new file of mode 600 from its first instant, synced, renamed over the old one,
 *   directory synced. A crash leaves the old or the new file; the next writer removes anything else that
 *   it left.
 */
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { CredentialCode, credentialError, fileError } from './errors.js'
import type { FileFacts, FileOperations } from './file-operations.js'

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(3, '0')
const quoted = (path: string): string => (/^[\w./@%+=:,-]+$/.test(path) ? path : `'${path}'`)

function unsafe(message: string): Error {
  return credentialError(CredentialCode.Unsafe, message)
}

function checkOwner(facts: FileFacts, path: string): void {
  const uid = process.geteuid?.()
  if (uid !== undefined && facts.uid !== uid) {
    throw unsafe(
      `${path} belongs to user ${String(facts.uid)}, and this process is user ${String(uid)}; ` +
        `if it is yours, run: sudo chown ${String(uid)} ${quoted(path)}`,
    )
  }
}

/** Throws unless the facts are those of a file that only its owner, this user, can reach. */
export function checkFile(facts: FileFacts, path: string): void {
  if (facts.kind !== 'file') throw unsafe(`${path} is not a regular file; move it away`)
  checkOwner(facts, path)
  if ((facts.mode & 0o7177) !== 0) {
    throw unsafe(
      `${path} has mode ${octal(facts.mode)}, so others may reach it; run: chmod 600 ${quoted(path)} ` +
        '(and change the secrets in it if others had access)',
    )
  }
  if (facts.links !== 1) {
    throw unsafe(`${path} has ${String(facts.links)} names (hard links); remove the others`)
  }
}

export class SecureFiles {
  readonly #files: FileOperations

  constructor(files: FileOperations) {
    this.#files = files
  }

  /** Throws unless the directory is this user's alone and no symbolic link. */
  async checkDirectory(path: string): Promise<void> {
    let facts: FileFacts
    try {
      facts = await this.#files.facts(path)
    } catch (error) {
      throw fileError(`can't look at the directory ${path}`, error)
    }
    if (facts.kind === 'link') {
      throw unsafe(`${path} is a symbolic link; give the directory that it points to`)
    }
    if (facts.kind !== 'directory') {
      throw fileError(
        `can't use ${path}`,
        Object.assign(new Error('it is not a directory'), { code: 'ENOTDIR' }),
      )
    }
    checkOwner(facts, path)
    if ((facts.mode & 0o077) !== 0) {
      throw unsafe(
        `the directory ${path} has mode ${octal(facts.mode)}, so others may reach it; run: chmod 700 ` +
          quoted(path),
      )
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.#files.facts(path)
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return false
      throw fileError(`can't look at ${path}`, error)
    }
  }

  /** Undefined if the file does not exist. A file above `maxBytes` comes cut, one byte longer than that. */
  async read(path: string, maxBytes: number): Promise<Buffer | undefined> {
    try {
      return await this.#files.read(
        path,
        (facts) => {
          checkFile(facts, path)
        },
        maxBytes,
      )
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'ENOENT') return undefined
      if (code === 'ELOOP' || code === 'EMLINK') {
        throw unsafe(`${path} is a symbolic link, and those are refused; put the file itself there`)
      }
      throw fileError(`can't read ${path}`, error)
    }
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
    try {
      await this.#files.create(temporary, bytes)
      await this.#files.rename(temporary, path)
    } catch (error) {
      await this.#files.remove(temporary).catch(() => undefined)
      throw fileError(`can't write ${path}; it is as it was before`, error)
    }
    try {
      await this.#files.syncDirectory(dirname(path))
    } catch (error) {
      throw fileError(
        `${path} was replaced, but a power cut may still bring the old one back`,
        error,
      )
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await this.#files.remove(path)
      await this.#files.syncDirectory(dirname(path))
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT')
        throw fileError(`can't remove ${path}`, error)
    }
  }

  /** Removes what a crash during `replace` left. Only under the lock that guards `path`. */
  async removeLeftovers(path: string): Promise<void> {
    const pattern = /^\.[0-9a-f]{16}\.tmp$/
    const name = basename(path)
    let names: string[]
    try {
      names = await this.#files.list(dirname(path))
    } catch (error) {
      throw fileError(`can't list ${dirname(path)}`, error)
    }
    for (const candidate of names) {
      if (candidate.startsWith(name) && pattern.test(candidate.slice(name.length))) {
        await this.#files.remove(join(dirname(path), candidate)).catch(() => undefined)
      }
    }
  }
}
