/** `pinnacle creds reveal`: hands a secret to another program, never to a terminal. */
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { action } from '../../action.js'
import { integerArgument } from '../../arguments.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import { usageError } from '../../usage-error.js'

interface RevealOptions extends UnlockOptions {
  field?: string
  version?: number
  toFd: number
}

export function register(creds: Command): void {
  withUnlock(
    creds
      .command('reveal <name>')
      .description('write a secret to a file descriptor that is not a terminal'),
  )
    .option('--field <field>', 'which field')
    .option('--version <n>', 'an old value', integerArgument)
    .option('--to-fd <n>', 'where to', integerArgument, 1)
    .addHelpText('after', '\nExample: pinnacle creds reveal exchange --to-fd 1 | my-signer')
    .action(
      action<RevealOptions, [string]>((output, options, name) => {
        if (isatty(options.toFd))
          throw usageError('that is a terminal; pipe the secret to who needs it')
        const version = options.version === undefined ? {} : { version: options.version }
        return withStore(output, options, (store) =>
          store.withSecret(
            name,
            (secret) => {
              const bytes = secret.bytes(options.field)
              for (let at = 0; at < bytes.length;) at += writeSync(options.toFd, bytes, at)
              return undefined
            },
            version,
          ),
        )
      }),
    )
}
