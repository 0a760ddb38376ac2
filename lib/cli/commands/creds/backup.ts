/** `pinnacle creds backup`: an encrypted copy of the credentials. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { listArgument } from '../../arguments.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { readRecipient } from '../../recipient-file.js'

interface BackupOptions extends UnlockOptions {
  recipient?: string[]
}

export function register(creds: Command): void {
  withUnlock(
    creds.command('backup <file>').description('an encrypted copy, opened by the same password'),
  )
    .option('--recipient <file>', 'public key of one who may open it too', listArgument)
    .action(
      action<BackupOptions, [string]>((output, options, path) =>
        withStore(output, options, async (store) => {
          const recipients = await Promise.all((options.recipient ?? []).map(readRecipient))
          await store.backup(path, { recipients })
          output.line(`Backed up version ${String(store.generation)} to ${path}.`)
          output.document({ backup: path, generation: store.generation })
          return undefined
        }),
      ),
    )
}
