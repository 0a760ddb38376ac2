/** How a `pinnacle creds` command gets at passwords, keys and the store. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { AuditTrail } from '../audit/index.js'
import { checkNewPassword } from '../credentials/strength.js'
import { fileError } from '../secure/errors.js'
import {
  CredentialStore,
  openRecipientKey,
  PasswordProvider,
  passwordVariable,
  Pkcs11Provider,
  readPassword,
  SecretBuffer,
  type KeyProvider,
  type KdfParameters,
  type PasswordSource,
} from '../credentials/index.js'
import { realFiles } from '../secure/file-operations.js'
import { maxRecipientFileBytes } from '../credentials/recipient-key-file.js'
import { checkFile } from '../secure/secure-files.js'
import { integerArgument } from './arguments.js'
import { directoryOf, withData, type DataOptions } from './data-options.js'
import type { Output } from './output.js'
import { usageError } from './usage-error.js'

export interface UnlockOptions extends DataOptions {
  passwordFile?: string
  passwordFd?: number
  passwordEnv?: string | true
  recipientKey?: string
  tokenLibrary?: string
  token?: string
  tokenKey?: string
}

/** The options of a command that unlocks. A password is never an argument: others could see it. */
export function withUnlock(command: Command): Command {
  return withPassword(withData(command))
    .option(
      '--recipient-key <file>',
      'unlock with the private key of a recipient (its password is asked for)',
    )
    .option(
      '--token-library <file>',
      'unlock with a PKCS#11 token: its library (the PIN is asked for)',
    )
    .option('--token <label>', 'label of the token')
    .option('--token-key <label>', 'label of the key on the token')
}

export function withPassword(command: Command): Command {
  return command
    .option('--password-file <file>', 'read the master password from a file of mode 600')
    .option('--password-fd <n>', 'read the master password from a file descriptor', integerArgument)
    .option(
      '--password-env [variable]',
      `read it from the environment (${passwordVariable}); others may see it there`,
    )
}

export function sourceOf(options: UnlockOptions): PasswordSource {
  const given: PasswordSource[] = []
  if (options.passwordFile !== undefined) given.push({ type: 'file', path: options.passwordFile })
  if (options.passwordFd !== undefined) {
    given.push({ type: 'descriptor', descriptor: options.passwordFd })
  }
  if (options.passwordEnv !== undefined) {
    const variable = options.passwordEnv === true ? passwordVariable : options.passwordEnv
    given.push({ type: 'environment', variable })
  }
  if (given.length > 1) throw usageError('the password has several sources; give one')
  return given[0] ?? { type: 'terminal' }
}

function warn(output: Output): (message: string) => void {
  return (message) => {
    output.warning(message)
  }
}

function ask(output: Output, options: UnlockOptions, prompt: string): SecretBuffer {
  return readPassword(sourceOf(options), { prompt, onWarning: warn(output) })
}

/** Reads a new password and checks its strength; a typed one must be typed twice. */
export async function askNewPassword(
  output: Output,
  source: PasswordSource,
  what: string,
): Promise<SecretBuffer> {
  const onWarning = warn(output)
  const password = readPassword(source, { prompt: `New ${what}: `, onWarning })
  try {
    await checkNewPassword(password)
    if (source.type === 'terminal') {
      using again = readPassword(source, { prompt: `The same again: ` })
      if (!again.equals(password)) throw usageError('the two passwords differ; nothing was changed')
    }
    return password
  } catch (error) {
    password.release()
    throw error
  }
}

async function providerOf(output: Output, options: UnlockOptions): Promise<KeyProvider> {
  if (options.tokenLibrary !== undefined || options.token !== undefined) {
    return tokenProvider(output, options, false)
  }
  if (options.recipientKey !== undefined) {
    const path = options.recipientKey
    const file = await readSmall(path)
    using key = new PasswordProvider(ask(output, options, `Password of ${path}: `))
    // Awaited here: the password is wiped when this function returns.
    return await openRecipientKey(file, key, path)
  }
  return new PasswordProvider(ask(output, options, 'Master password: '))
}

export function tokenProvider(
  output: Output,
  options: UnlockOptions,
  createKey: boolean,
): Pkcs11Provider {
  const { tokenLibrary: library, token, tokenKey: keyLabel = 'pinnacle' } = options
  if (library === undefined || token === undefined) {
    throw usageError('a token needs both --token-library and --token')
  }
  using pin = ask(output, options, `PIN of the token ${token}: `)
  return Pkcs11Provider.open({ library, token, keyLabel, createKey }, pin)
}

async function readSmall(path: string): Promise<Buffer> {
  try {
    return await realFiles.read(path, (facts) => checkFile(facts, path), maxRecipientFileBytes)
  } catch (error) {
    throw fileError(`can't read ${path}`, error)
  }
}

export async function newPasswordProvider(
  output: Output,
  source: PasswordSource,
  kdf: KdfParameters,
): Promise<PasswordProvider> {
  return new PasswordProvider(await askNewPassword(output, source, 'master password'), kdf)
}

/** Runs `work` on the unlocked store. */
export async function withStore<T>(
  output: Output,
  options: UnlockOptions,
  work: (store: CredentialStore, trail: AuditTrail) => Promise<T>,
): Promise<T> {
  const dataDirectory = directoryOf(options)
  const audit = new AuditTrail({ dataDirectory })
  const provider = await providerOf(output, options)
  await using store = await CredentialStore.open({
    dataDirectory,
    provider,
    audit,
    onWarning: warn(output),
  })
  return await work(store, audit)
}

const maxInputBytes = 64 * 1024

/** All of a file or descriptor, straight into secret memory. The caller releases it. */
export function readInput(output: Output, input: { file?: string; fd?: number }): SecretBuffer {
  const { file } = input
  let descriptor: number
  try {
    descriptor = file === undefined ? (input.fd ?? 0) : openSync(file, 'r')
  } catch (error) {
    throw fileError(`can't open ${String(file)}`, error)
  }
  try {
    if (file !== undefined && (statSync(file).mode & 0o077) !== 0) {
      warn(output)(`others can read ${file}; remove it once the credential is stored`)
    }
    using room = SecretBuffer.allocate(maxInputBytes + 1)
    let length = 0
    for (;;) {
      const got = readSync(descriptor, room.bytes, length, room.length - length, null)
      if (got === 0) break
      length += got
      if (length > maxInputBytes)
        throw usageError(`the input is longer than ${String(maxInputBytes)} bytes`)
    }
    return room.copy(0, length)
  } catch (error) {
    throw fileError(`can't read ${file ?? `descriptor ${String(input.fd)}`}`, error)
  } finally {
    if (file !== undefined) closeSync(descriptor)
  }
}
