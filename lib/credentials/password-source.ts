/**
 * Reads the master password from a terminal, a file descriptor, a file of mode 600, or (with a warning) an
 * environment variable. Never from an argument: arguments are visible to every user of the machine. All but
 * the environment go into secret memory without a JavaScript string.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { CredentialCode, credentialError, fileError } from '../secure/errors.js'
import { checkFile } from '../secure/secure-files.js'
import { coded, secrets } from '../secure/native.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import { maxPasswordBytes } from './strength.js'

/** The source of a password; `type` tells which. */
export type PasswordSource = TerminalSource | DescriptorSource | FileSource | EnvironmentSource

/** A prompt on a terminal, without echo. */
export interface TerminalSource {
  /** Tells the sources apart. */
  readonly type: 'terminal'
  /** Path of the terminal. Default: /dev/tty. */
  readonly path?: string
}

/** The first line of an open file. */
export interface DescriptorSource {
  /** Tells the sources apart. */
  readonly type: 'descriptor'
  /** Its number. */
  readonly descriptor: number
}

/** The first line of a file of mode 600. */
export interface FileSource {
  /** Tells the sources apart. */
  readonly type: 'file'
  /** Path of the file. */
  readonly path: string
}

/** An environment variable, which is removed; readPassword() warns of it. */
export interface EnvironmentSource {
  /** Tells the sources apart. */
  readonly type: 'environment'
  /** Its name. */
  readonly variable: string
}

/** The environment variable that the command line reads. */
export const passwordVariable = 'PINNACLE_MASTER_PASSWORD'

/** How a password is read. */
export interface ReadPasswordOptions {
  /** Text that a terminal shows. Default: 'Master password: '. */
  readonly prompt?: string
  /** Called if the source is a risk: the environment. */
  readonly onWarning?: (message: string) => void
  /** Take an empty line too; refused by default. */
  readonly allowEmpty?: boolean
}

function noPassword(message: string, cause?: unknown): Error {
  return credentialError(CredentialCode.PasswordSource, message, { cause })
}

/**
 * The first line of the source, without its line end, at most 1,024 bytes. The caller releases it.
 * ERR_PINNACLE_PASSWORD_SOURCE, ERR_PINNACLE_INTERRUPTED, ERR_PINNACLE_UNSAFE_FILE.
 */
export function readPassword(
  source: PasswordSource,
  options: ReadPasswordOptions = {},
): SecretBuffer {
  const password = readFrom(source, options)
  if (password.length > 0 || options.allowEmpty) return password
  password.release()
  throw noPassword('the password is empty')
}

function readFrom(source: PasswordSource, options: ReadPasswordOptions): SecretBuffer {
  switch (source.type) {
    case 'terminal':
      return fromTerminal(source.path ?? '/dev/tty', options.prompt ?? 'Master password: ')
    case 'descriptor':
      return firstLine(source.descriptor, `file descriptor ${String(source.descriptor)}`)
    case 'file':
      return fromFile(source.path)
    case 'environment':
      return fromEnvironment(source.variable, options.onWarning)
  }
}

function fromTerminal(path: string, prompt: string): SecretBuffer {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY)
  } catch (error) {
    throw noPassword(
      'there is no terminal to ask for the password; use --password-file or --password-fd',
      error,
    )
  }
  try {
    using line = SecretBuffer.allocate(maxPasswordBytes)
    const { outcome, length } = coded(() => secrets().prompt(descriptor, prompt, line.bytes))
    if (outcome === 'interrupted') {
      throw credentialError(CredentialCode.Interrupted, 'interrupted; nothing was changed')
    }
    if (outcome === 'end') throw noPassword('the terminal was closed before a password was given')
    return line.copy(0, length)
  } finally {
    closeSync(descriptor)
  }
}

/** Reads straight into secret memory. */
function firstLine(descriptor: number, what: string): SecretBuffer {
  using room = SecretBuffer.allocate(maxPasswordBytes + 2)
  let length = 0
  for (;;) {
    const newline = room.bytes.subarray(0, length).indexOf(0x0a)
    if (newline >= 0) {
      length = newline
      break
    }
    if (length === room.length) {
      throw noPassword(`the password of ${what} is longer than ${String(maxPasswordBytes)} bytes`)
    }
    const got = readSome(descriptor, room.bytes, length, what)
    if (got === 0) break
    length += got
  }
  if (length > 0 && room.bytes[length - 1] === 0x0d) length--
  return room.copy(0, length)
}

/** Waits up to half a minute for a pipe that was opened without blocking. */
function readSome(descriptor: number, room: Uint8Array, at: number, what: string): number {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let waitedMs = 0; ; waitedMs += 20) {
    try {
      return readSync(descriptor, room, at, room.length - at, null)
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN' || waitedMs >= 30_000)
        throw fileError(`can't read the password from ${what}`, error)
      Atomics.wait(pause, 0, 0, 20)
    }
  }
}

function fromFile(path: string): SecretBuffer {
  let descriptor: number
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    throw fileError(`can't open the password file ${path}`, error)
  }
  try {
    const stat = fstatSync(descriptor)
    const facts = {
      kind: stat.isFile() ? ('file' as const) : ('other' as const),
      mode: stat.mode & 0o7777,
      uid: stat.uid,
      links: stat.nlink,
      bytes: stat.size,
    }
    checkFile(facts, path)
    return firstLine(descriptor, path)
  } finally {
    closeSync(descriptor)
  }
}

function fromEnvironment(variable: string, warn?: (message: string) => void): SecretBuffer {
  const value = process.env[variable]
  if (value === undefined) {
    throw noPassword(`the environment variable ${variable} is not set`)
  }
  // It stays in the process's environment block and in a string: that is what the warning says.
  Reflect.deleteProperty(process.env, variable)
  warn?.(
    `the password came from the environment variable ${variable}: processes of this user can read it, and ` +
      'it can end up in logs and crash reports; prefer --password-file or --password-fd',
  )
  if (Buffer.byteLength(value) > maxPasswordBytes) {
    throw noPassword(`the password of ${variable} is longer than ${String(maxPasswordBytes)} bytes`)
  }
  return SecretBuffer.take(Buffer.from(value))
}
