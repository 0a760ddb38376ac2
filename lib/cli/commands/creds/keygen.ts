/** `pinnacle creds keygen`: makes the key pair of a recipient. */
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import {
  createRecipientKey,
  fingerprintOf,
  formatPublicKey,
  kdfDefaults,
  PasswordProvider,
} from '../../../credentials/index.js'
import { fileError } from '../../../secure/errors.js'
import { realFiles } from '../../../secure/file-operations.js'
import { action } from '../../action.js'
import { askNewPassword, sourceOf, withPassword, type UnlockOptions } from '../../creds-access.js'

export function register(creds: Command): void {
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
}
