/** `pinnacle creds init`: makes an empty store under a new master password. */
import { mkdirSync } from 'node:fs'
import type { Command } from 'commander'
import { AuditTrail } from '../../../audit/index.js'
import { CredentialStore } from '../../../credentials/index.js'
import { fileError } from '../../../secure/errors.js'
import { action } from '../../action.js'
import { integerArgument } from '../../arguments.js'
import { newPasswordProvider, sourceOf, withPassword } from '../../creds-access.js'
import {
  kdfOf,
  withCipher,
  withKdf,
  type CipherOptions,
  type KdfOptions,
} from '../../creds-algorithms.js'
import { directoryOf, withData } from '../../data-options.js'
import type { Output } from '../../output.js'

interface InitOptions extends KdfOptions, CipherOptions {
  history: number
}

export function register(creds: Command): void {
  const command = creds
    .command('init')
    .description('make an empty store; asks for a master password')
  withCipher(withKdf(withPassword(withData(command))))
    .option('--history <n>', 'old values to keep of each credential', integerArgument, 3)
    .action(action<InitOptions>(init))
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
  output.line(`Made ${dataDirectory}/secure_config.json. It can't be opened without the password.`)
  output.document({ dataDirectory, cipher, kdf: options.kdf })
  return undefined
}
