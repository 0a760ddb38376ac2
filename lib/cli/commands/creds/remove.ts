/** `pinnacle creds remove`: removes a credential with its old values. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'

export function register(creds: Command): void {
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
}
