/** `pinnacle creds upgrade`: writes a file of the old format in the present one. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore, withUnlock } from '../../creds-access.js'
import { withCipher, type CipherOptions } from '../../creds-algorithms.js'

export function register(creds: Command): void {
  withCipher(
    withUnlock(
      creds.command('upgrade').description('write a file of the old format in the present one'),
    ),
  ).action(
    action<CipherOptions>((output, options) =>
      withStore(output, options, async (store) => {
        await store.upgrade(options.cipher)
        output.line('The file has the present format.')
        output.document({ upgraded: true })
        return undefined
      }),
    ),
  )
}
