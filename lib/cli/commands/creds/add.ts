/** `pinnacle creds add`: stores a new credential. */
import { Option, type Command } from 'commander'
import { kindNames, type CredentialKind } from '../../../credentials/index.js'
import { action } from '../../action.js'
import { withStore } from '../../creds-access.js'
import { readFields, withValue, type ValueOptions } from '../../creds-fields.js'

interface AddOptions extends ValueOptions {
  kind: CredentialKind
}

export function register(creds: Command): void {
  withValue(creds.command('add <name>').description('add a credential'))
    .addOption(new Option('--kind <kind>', 'what it is').choices([...kindNames]).default('generic'))
    .action(
      action<AddOptions, [string]>((output, options, name) =>
        withStore(output, options, async (store) => {
          const { kind, expires } = options
          const fields = readFields(output, options, kind)
          await store.add({ name, kind, fields, expires: expires ?? null })
          output.line(`Added "${name}".`)
          output.document({ added: name })
          return undefined
        }),
      ),
    )
}
