/** The options of `pinnacle creds` that choose a key derivation and a cipher. */
import { Option, type Command } from 'commander'
import {
  cipherNames,
  kdfDefaults,
  kdfNames,
  type CipherName,
  type KdfName,
  type KdfParameters,
} from '../credentials/index.js'
import { integerArgument } from './arguments.js'
import type { UnlockOptions } from './creds-access.js'
import { usageError } from './usage-error.js'

export interface KdfOptions extends UnlockOptions {
  kdf: KdfName
  iterations?: number
}

export interface CipherOptions extends UnlockOptions {
  cipher: CipherName
}

export function kdfOf(options: KdfOptions): KdfParameters {
  const kdf = kdfDefaults[options.kdf]
  if (options.iterations === undefined) return kdf
  if (kdf.algorithm !== 'pbkdf2-hmac-sha256')
    throw usageError('--iterations belongs to pbkdf2-hmac-sha256')
  return { ...kdf, iterations: options.iterations }
}

export function withKdf(command: Command): Command {
  return command
    .addOption(
      new Option('--kdf <name>', 'key derivation')
        .choices([...kdfNames])
        .default('pbkdf2-hmac-sha256'),
    )
    .option('--iterations <n>', 'of pbkdf2-hmac-sha256 (default: 600000)', integerArgument)
}

export function withCipher(command: Command): Command {
  return command.addOption(
    new Option('--cipher <name>', 'cipher').choices([...cipherNames]).default('aes-256-gcm'),
  )
}
