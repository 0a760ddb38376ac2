/** `pinnacle creds key remove`: takes a key's access away. */
import type { Command } from 'commander'
import { CredentialCode, credentialError } from '../../../secure/errors.js'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { keyName } from '../../key-names.js'

export function register(key: Command): void {
  withUnlock(
    key.command('remove <key>').description('take a key\'s access away; "creds status" names them'),
  ).action(
    action<UnlockOptions, [string]>((output, options, name) =>
      withStore(output, options, async (store) => {
        if (!store.keys.some((entry) => keyName(entry) === name)) {
          throw credentialError(
            CredentialCode.Unknown,
            `there is no such key; there are ${store.keys.map(keyName).join(', ')}`,
          )
        }
        await store.removeKey((entry) => keyName(entry) === name)
        output.line('That key no longer opens the file; backups made before are not changed.')
        output.document({ keys: store.keys.map(keyName) })
        return undefined
      }),
    ),
  )
}
