/** `pinnacle creds verify`: opens every secret. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { plural } from '../../text.js'

export function register(creds: Command): void {
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
