/** `pinnacle creds password`: changes the master password. */
import type { Command } from 'commander'
import type { PasswordSource } from '../../../credentials/index.js'
import { action } from '../../action.js'
import { integerArgument } from '../../arguments.js'
import { newPasswordProvider, withStore, withUnlock } from '../../creds-access.js'
import { kdfOf, withKdf, type KdfOptions } from '../../creds-algorithms.js'

interface PasswordOptions extends KdfOptions {
  newPasswordFile?: string
  newPasswordFd?: number
}

export function register(creds: Command): void {
  withKdf(withUnlock(creds.command('password').description('change the master password')))
    .option('--new-password-file <file>', 'read the new one from a file of mode 600')
    .option('--new-password-fd <n>', 'read the new one from a file descriptor', integerArgument)
    .action(
      action<PasswordOptions>((output, options) =>
        withStore(output, options, async (store) => {
          const source = newSourceOf(options)
          await store.changeKey(await newPasswordProvider(output, source, kdfOf(options)))
          output.line('The password was changed. Backups made before still open with the old one.')
          output.document({ changed: true })
          return undefined
        }),
      ),
    )
}

function newSourceOf(options: PasswordOptions): PasswordSource {
  const { newPasswordFile: path, newPasswordFd: descriptor } = options
  if (path !== undefined) return { type: 'file', path }
  return descriptor !== undefined ? { type: 'descriptor', descriptor } : { type: 'terminal' }
}
