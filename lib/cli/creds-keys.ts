/** `pinnacle creds status|backup|keygen|key …`: who can open the file, and copies of it. */
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { decodeEnvelope, versionOf } from '../credentials/envelope.js'
import { CredentialCode, credentialError, fileError } from '../secure/errors.js'
import {
  createRecipientKey,
  fingerprintOf,
  formatPublicKey,
  kdfDefaults,
  parsePublicKey,
  PasswordProvider,
  type KeyEntry,
  type RecipientProvider,
} from '../credentials/index.js'
import { realFiles } from '../secure/file-operations.js'
import { StoreFiles } from '../credentials/store-files.js'
import { action } from './action.js'
import { listArgument } from './arguments.js'
import {
  askNewPassword,
  sourceOf,
  tokenProvider,
  withPassword,
  withStore,
  withUnlock,
  type UnlockOptions,
} from './creds-access.js'
import { directoryOf, withData, type DataOptions } from './data-options.js'

/** A name for a key by which a command line can mean it. */
export function keyName(entry: KeyEntry): string {
  switch (entry.type) {
    case 'password':
      return 'password'
    case 'pkcs11':
      return `token:${entry.keyId.slice(0, 16)}`
    case 'recipient':
      return `recipient:${fingerprintOf(entry.publicKey).slice(0, 16)}`
  }
}

function describe(entry: KeyEntry): string {
  switch (entry.type) {
    case 'password':
      return entry.kdf.algorithm
    case 'pkcs11':
      return `key "${entry.keyLabel}" on the token ${entry.tokenSerial}`
    case 'recipient':
      return entry.scheme
  }
}

async function readRecipient(path: string): Promise<RecipientProvider> {
  try {
    return parsePublicKey(await readFile(path, 'utf8'))
  } catch (error) {
    throw fileError(`can't take the public key in ${path}`, error)
  }
}

export function addKeyCommands(creds: Command): void {
  withData(creds.command('status').description('what can be said without unlocking')).action(
    action<DataOptions>(async (output, options) => {
      const files = new StoreFiles({ dataDirectory: directoryOf(options) })
      await files.files.checkDirectory(files.directory)
      const bytes = await files.read()
      const { failures, retryAfterMs } = await files.limiter.status()
      const version = versionOf(bytes, files.path)
      const facts =
        version === 1
          ? { store: '', generation: 0, written: '', cipher: 'aes-256-cbc-hmac-sha256', keys: [] }
          : decodeEnvelope(bytes, files.path)
      const keys = facts.keys.map((entry) => ({ name: keyName(entry), what: describe(entry) }))
      output.heading(files.path)
      output.field('format', `version ${String(version)}, ${facts.cipher}`)
      if (version === 2) {
        output.field('changes', `${String(facts.generation)}, the last on ${facts.written}`)
        for (const { name, what } of keys) output.field('opens with', `${name} (${what})`)
      }
      output.field('failed unlocks', String(failures))
      if (retryAfterMs > 0)
        output.field('next possible', `in ${String(Math.ceil(retryAfterMs / 1000))} s`)
      const { store, generation, written, cipher } = facts
      output.document({ version, store, generation, written, cipher, keys, failures, retryAfterMs })
      return undefined
    }),
  )

  withUnlock(
    creds.command('backup <file>').description('an encrypted copy, opened by the same password'),
  )
    .option('--recipient <file>', 'public key of one who may open it too', listArgument)
    .action(
      action<UnlockOptions & { recipient?: string[] }, [string]>((output, options, path) =>
        withStore(output, options, async (store) => {
          const recipients = await Promise.all((options.recipient ?? []).map(readRecipient))
          await store.backup(path, { recipients })
          output.line(`Backed up version ${String(store.generation)} to ${path}.`)
          output.document({ backup: path, generation: store.generation })
          return undefined
        }),
      ),
    )

  withPassword(
    creds.command('keygen <file>').description("a recipient's key pair: X25519 and ML-KEM-768"),
  )
    .addHelpText(
      'after',
      '\nWrites the private key to <file> under a password, the public one to <file>.pub.',
    )
    .action(
      action<UnlockOptions, [string]>(async (output, options, path) => {
        const password = await askNewPassword(output, sourceOf(options), `password of ${path}`)
        using provider = new PasswordProvider(password, kdfDefaults['pbkdf2-hmac-sha256'])
        const { file, publicKey } = await createRecipientKey(provider)
        try {
          await realFiles.create(path, file)
          writeFileSync(`${path}.pub`, `${formatPublicKey(publicKey)}\n`, { flag: 'wx' })
        } catch (error) {
          throw fileError(`can't write the key pair ${path}`, error)
        }
        const fingerprint = fingerprintOf(publicKey)
        output.line(`Made ${path} and ${path}.pub (${fingerprint}).`)
        output.document({ privateKey: path, publicKey: `${path}.pub`, fingerprint })
        return undefined
      }),
    )

  const key = creds.command('key').description('who else can open the file')
  withUnlock(
    key
      .command('add-recipient <public-key>')
      .description('let the holder of a private key open it'),
  ).action(
    action<UnlockOptions, [string]>((output, options, path) =>
      withStore(output, options, async (store) => {
        await store.addKey(await readRecipient(path))
        output.line('The file can be opened with that private key too.')
        output.document({ keys: store.keys.map(keyName) })
        return undefined
      }),
    ),
  )
  withUnlock(
    key.command('add-token').description('let a PKCS#11 token open it (--token-library, --token)'),
  )
    .option('--create-key', 'make the key on the token where it has none')
    .action(
      action<UnlockOptions & { createKey?: boolean }>((output, options) => {
        const { tokenLibrary, token, tokenKey, ...password } = options
        return withStore(output, password, async (store) => {
          const asked: UnlockOptions = {
            ...(tokenLibrary === undefined ? {} : { tokenLibrary }),
            ...(token === undefined ? {} : { token }),
            ...(tokenKey === undefined ? {} : { tokenKey }),
          }
          await store.addKey(tokenProvider(output, asked, options.createKey ?? false))
          output.line('The file can be opened with that token too.')
          output.document({ keys: store.keys.map(keyName) })
          return undefined
        })
      }),
    )
  withUnlock(
    key.command('remove <key>').description('take a key\'s access away; "creds status" names them'),
  ).action(
    action<UnlockOptions, [string]>((output, options, name) =>
      withStore(output, options, async (store) => {
        if (!store.keys.some((entry) => keyName(entry) === name)) {
          throw credentialError(
            CredentialCode.Unknown,
            `there is no such key; there are ${store.keys.map(keyName).join(', ')}`,
          )
        }
        await store.removeKey((entry) => keyName(entry) === name)
        output.line('That key no longer opens the file; backups made before are not changed.')
        output.document({ keys: store.keys.map(keyName) })
        return undefined
      }),
    ),
  )
}
