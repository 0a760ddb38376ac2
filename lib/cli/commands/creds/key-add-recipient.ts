/** `pinnacle creds key add-recipient`: lets the holder of a private key open the file. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { keyName } from '../../key-names.js'
import { readRecipient } from '../../recipient-file.js'

export function register(key: Command): void {
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
}
