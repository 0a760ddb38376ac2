/** `pinnacle creds rotate`: gives a credential a new value. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { withStore } from '../../creds-access.js'
import { readFields, withValue, type ValueOptions } from '../../creds-fields.js'

export function register(creds: Command): void {
  withValue(
    creds
      .command('rotate <name>')
      .description('give a credential a new value; keeps the old one as history'),
  ).action(
    action<ValueOptions, [string]>((output, options, name) =>
      withStore(output, options, async (store) => {
        const known = store.list().find((credential) => credential.name === name)
        const fields = readFields(output, options, known?.kind ?? 'generic')
        await store.rotate(name, fields, { expires: options.expires ?? null })
        output.line(`"${name}" has a new value.`)
        output.document({ rotated: name })
        return undefined
      }),
    ),
  )
}
