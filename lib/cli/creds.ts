/** `pinnacle creds …`: the encrypted credentials of a data directory. */
import { mkdirSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { Option, type Command } from 'commander'
import { AuditTrail } from '../audit/index.js'
import { fileError } from '../secure/errors.js'
import {
  cipherNames,
  CredentialStore,
  fieldsFromJson,
  kdfDefaults,
  kdfNames,
  kindNames,
  readPassword,
  restoreBackup,
  type CipherName,
  type CredentialKind,
  type CredentialSummary,
  type KdfName,
  type KdfParameters,
  type PasswordSource,
  type SecretFields,
} from '../credentials/index.js'
import { promptedFields, releaseFields } from '../credentials/validation.js'
import { action } from './action.js'
import { integerArgument } from './arguments.js'
import { addKeyCommands } from './creds-keys.js'
import {
  newPasswordProvider,
  readInput,
  sourceOf,
  withPassword,
  withStore,
  withUnlock,
  type UnlockOptions,
} from './creds-access.js'
import { directoryOf, withData } from './data-options.js'
import type { Output } from './output.js'
import { plural, table } from './text.js'
import { usageError } from './usage-error.js'

interface InitOptions extends UnlockOptions {
  kdf: KdfName
  iterations?: number
  cipher: CipherName
  history: number
}

interface ValueOptions extends UnlockOptions {
  kind: CredentialKind
  file?: string
  fd?: number
  expires?: string
}

function kdfOf(options: { kdf: KdfName; iterations?: number }): KdfParameters {
  const kdf = kdfDefaults[options.kdf]
  if (options.iterations === undefined) return kdf
  if (kdf.algorithm !== 'pbkdf2-hmac-sha256')
    throw usageError('--iterations belongs to pbkdf2-hmac-sha256')
  return { ...kdf, iterations: options.iterations }
}

function withKdf(command: Command): Command {
  return command
    .addOption(
      new Option('--kdf <name>', 'key derivation')
        .choices([...kdfNames])
        .default('pbkdf2-hmac-sha256'),
    )
    .option('--iterations <n>', 'of pbkdf2-hmac-sha256 (default: 600000)', integerArgument)
}

async function init(output: Output, options: InitOptions): Promise<undefined> {
  const dataDirectory = directoryOf(options)
  try {
    mkdirSync(dataDirectory, { mode: 0o700 })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') {
      throw fileError(`can't make the directory ${dataDirectory}`, error)
    }
  }
  const audit = new AuditTrail({ dataDirectory })
  const provider = await newPasswordProvider(output, sourceOf(options), kdfOf(options))
  const { cipher, history: historyLimit } = options
  await using store = await CredentialStore.create({
    dataDirectory,
    provider,
    audit,
    cipher,
    historyLimit,
  })
  using root = await audit.rootKey()
  if (root) {
    // From here on the trail's verification key is no longer beside the trail.
    await store.setAuditKey(root.key.copy())
    await audit.forgetRootKey()
  }
  output.line(
    `Made ${dataDirectory}/secure_config.json. There is no way to open it without the password.`,
  )
  output.document({ dataDirectory, cipher, kdf: options.kdf })
  return undefined
}

/** Fields from a JSON file or descriptor, or asked for one by one. */
function readFields(output: Output, options: ValueOptions, kind: CredentialKind): SecretFields {
  if (options.file !== undefined || options.fd !== undefined) {
    using bytes = readInput(output, options)
    const start = bytes.bytes.find((byte) => byte > 0x20)
    if (start === 0x7b) return fieldsFromJson(bytes.bytes)
    if (kind !== 'generic') throw usageError(`a ${kind} credential is given as a JSON object`)
    let { length } = bytes
    while (length > 0 && (bytes.bytes[length - 1] ?? 0) === 0x0a) length--
    return { secret: bytes.copy(0, length) }
  }
  const asked = promptedFields(kind)
  if (asked.length === 0) {
    throw usageError(`give the file that the exchange lets you download: --file <file>`)
  }
  const fields: SecretFields = {}
  try {
    for (const { field, required } of asked) {
      const prompt = `${field}${required ? '' : ' (empty for none)'}: `
      const value = readPassword({ type: 'terminal' }, { prompt, allowEmpty: !required })
      if (value.length > 0) fields[field] = value
      else value.release()
    }
    return fields
  } catch (error) {
    releaseFields(fields)
    throw error
  }
}

function summaryLines(output: Output, credentials: readonly CredentialSummary[]): string[] {
  const { colors } = output
  const expiry = ({ expires, expiry: state }: CredentialSummary): string => {
    if (expires === null) return '-'
    const day = expires.slice(0, 10)
    return state === 'expired'
      ? colors.red(`${day} expired`)
      : state === 'soon'
        ? colors.yellow(`${day} soon`)
        : day
  }
  return table(
    [
      ['NAME', 'KIND', 'VERSION', 'ROTATED', 'EXPIRES', 'FIELDS'],
      ...credentials.map((credential) => [
        credential.name,
        credential.kind,
        String(credential.version),
        credential.rotated.slice(0, 10),
        expiry(credential),
        credential.fields.join(' '),
      ]),
    ],
    'llrlll',
  )
}

function addValueCommands(creds: Command): void {
  const withValue = (command: Command): Command =>
    withUnlock(command)
      .option(
        '--file <file>',
        'JSON object of the fields (or the plain secret of a generic credential)',
      )
      .option('--fd <n>', 'the same, from a file descriptor', integerArgument)
      .option('--expires <date>', 'when it expires, such as 2027-03-31')

  withValue(creds.command('add <name>').description('add a credential'))
    .addOption(new Option('--kind <kind>', 'what it is').choices([...kindNames]).default('generic'))
    .action(
      action<ValueOptions, [string]>((output, options, name) =>
        withStore(output, options, async (store) => {
          const { kind, expires } = options
          const fields = readFields(output, options, kind)
          await store.add({ name, kind, fields, expires: expires ?? null })
          output.line(`Added "${name}".`)
          output.document({ added: name })
          return undefined
        }),
      ),
    )

  withValue(
    creds
      .command('rotate <name>')
      .description('give a credential a new value; keeps the old one as history'),
  ).action(
    action<ValueOptions, [string]>((output, options, name) =>
      withStore(output, options, async (store) => {
        const known = store.list().find((credential) => credential.name === name)
        const fields = readFields(output, options, known?.kind ?? 'generic')
        await store.rotate(name, fields, { expires: options.expires ?? null })
        output.line(`"${name}" has a new value.`)
        output.document({ rotated: name })
        return undefined
      }),
    ),
  )

  withUnlock(
    creds.command('expire <name> <date>').description('set when it expires, or "never"'),
  ).action(
    action<UnlockOptions, [string, string]>((output, options, name, date) =>
      withStore(output, options, async (store) => {
        await store.setExpiry(name, date === 'never' ? null : date)
        output.document({ name, expires: date })
        return undefined
      }),
    ),
  )

  withUnlock(
    creds.command('remove <name>').description('remove a credential and its history'),
  ).action(
    action<UnlockOptions, [string]>((output, options, name) =>
      withStore(output, options, async (store) => {
        await store.remove(name)
        output.line(`Removed "${name}".`)
        output.document({ removed: name })
        return undefined
      }),
    ),
  )

  withUnlock(creds.command('list').description('names, kinds and expiry dates; no secrets')).action(
    action<UnlockOptions>((output, options) =>
      withStore(output, options, (store) => {
        const credentials = store.list()
        output.lines(
          credentials.length > 0 ? summaryLines(output, credentials) : ['No credentials yet.'],
        )
        output.document(credentials)
        return Promise.resolve(undefined)
      }),
    ),
  )

  withUnlock(
    creds
      .command('reveal <name>')
      .description('write a secret to a file descriptor that is no terminal'),
  )
    .option('--field <field>', 'which field')
    .option('--version <n>', 'an old value', integerArgument)
    .option('--to-fd <n>', 'where to', integerArgument, 1)
    .addHelpText('after', '\nExample: pinnacle creds reveal exchange --to-fd 1 | my-signer')
    .action(
      action<UnlockOptions & { field?: string; version?: number; toFd: number }, [string]>(
        (output, options, name) => {
          if (isatty(options.toFd))
            throw usageError('that is a terminal; pipe the secret to who needs it')
          const version = options.version === undefined ? {} : { version: options.version }
          return withStore(output, options, (store) =>
            store.withSecret(
              name,
              (secret) => {
                const bytes = secret.bytes(options.field)
                for (let at = 0; at < bytes.length;) at += writeSync(options.toFd, bytes, at)
                return undefined
              },
              version,
            ),
          )
        },
      ),
    )

  withUnlock(
    creds.command('verify').description('open every secret and say whether the file is whole'),
  ).action(
    action<UnlockOptions>((output, options) =>
      withStore(output, options, async (store) => {
        let values = 0
        for (const { name, versions } of store.list()) {
          for (const version of versions) {
            await store.withSecret(name, () => values++, { version })
          }
        }
        output.line(
          `The file is whole: ${plural(values, 'value')} of ${plural(store.list().length, 'credential')}.`,
        )
        output.document({ credentials: store.list().length, values, generation: store.generation })
        return undefined
      }),
    ),
  )
}

export function register(program: Command): void {
  const creds = program.command('creds').description('encrypted credentials of exchanges')

  withKdf(
    withPassword(
      withData(
        creds.command('init').description('make an empty store; asks for a master password'),
      ),
    ),
  )
    .addOption(
      new Option('--cipher <name>', 'cipher').choices([...cipherNames]).default('aes-256-gcm'),
    )
    .option('--history <n>', 'old values to keep of each credential', integerArgument, 3)
    .action(action<InitOptions>(init))

  addValueCommands(creds)

  withKdf(withUnlock(creds.command('password').description('change the master password')))
    .option('--new-password-file <file>', 'read the new one from a file of mode 600')
    .option('--new-password-fd <n>', 'read the new one from a file descriptor', integerArgument)
    .action(
      action<InitOptions & { newPasswordFile?: string; newPasswordFd?: number }>(
        (output, options) =>
          withStore(output, options, async (store) => {
            const { newPasswordFile: path, newPasswordFd: descriptor } = options
            const source: PasswordSource =
              path !== undefined
                ? { type: 'file', path }
                : descriptor !== undefined
                  ? { type: 'descriptor', descriptor }
                  : { type: 'terminal' }
            await store.changeKey(await newPasswordProvider(output, source, kdfOf(options)))
            output.line(
              'The password was changed. Backups made before still open with the old one.',
            )
            output.document({ changed: true })
            return undefined
          }),
      ),
    )

  withUnlock(
    creds.command('upgrade').description('write a file of the old format in the present one'),
  )
    .addOption(
      new Option('--cipher <name>', 'cipher').choices([...cipherNames]).default('aes-256-gcm'),
    )
    .action(
      action<UnlockOptions & { cipher: CipherName }>((output, options) =>
        withStore(output, options, async (store) => {
          await store.upgrade(options.cipher)
          output.line('The file has the present format.')
          output.document({ upgraded: true })
          return undefined
        }),
      ),
    )

  withData(creds.command('restore <backup>').description('put a backup in place'))
    .option('--force', 'also where that replaces something newer or of another store')
    .action(
      action<UnlockOptions & { force?: boolean }, [string]>(async (output, options, backupPath) => {
        const dataDirectory = directoryOf(options)
        const audit = new AuditTrail({ dataDirectory })
        const force = options.force ?? false
        const backup = await restoreBackup({ dataDirectory, backupPath, audit, force })
        output.line(
          `Restored version ${String(backup.generation)}, backed up on ${backup.created}.`,
        )
        output.document({ generation: backup.generation, created: backup.created })
        return undefined
      }),
    )

  addKeyCommands(creds)
}
