/** `pinnacle creds expire`: says when a credential expires. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'

export function register(creds: Command): void {
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
}
