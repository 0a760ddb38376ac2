/** `pinnacle creds key add-token`: lets a PKCS#11 token open the file. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { tokenProvider, withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { keyName } from '../../key-names.js'

interface AddTokenOptions extends UnlockOptions {
  createKey?: boolean
}

export function register(key: Command): void {
  withUnlock(
    key.command('add-token').description('let a PKCS#11 token open it (--token-library, --token)'),
  )
    .option('--create-key', 'make the key on the token where it has none')
    .action(
      action<AddTokenOptions>((output, options) => {
        const { tokenLibrary, token, tokenKey, ...password } = options
        return withStore(output, password, async (store) => {
          const asked: UnlockOptions = {
            ...(tokenLibrary === undefined ? {} : { tokenLibrary }),
            ...(token === undefined ? {} : { token }),
            ...(tokenKey === undefined ? {} : { tokenKey }),
          }
          await store.addKey(tokenProvider(output, asked, options.createKey ?? false))
          output.line('The file can be opened with that token too.')
          output.document({ keys: store.keys.map(keyName) })
          return undefined
        })
      }),
    )
}
