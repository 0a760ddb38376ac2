/** `pinnacle creds list`: what is stored, without the secrets. */
import type { Command } from 'commander'
import type { CredentialSummary } from '../../../credentials/index.js'
import { action } from '../../action.js'
import { withStore, withUnlock, type UnlockOptions } from '../../creds-access.js'
import type { Output } from '../../output.js'
import { table } from '../../text.js'

export function register(creds: Command): void {
  withUnlock(creds.command('list').description('names, kinds and expiry dates; no secrets')).action(
    action<UnlockOptions>((output, options) =>
      withStore(output, options, (store) => {
        const credentials = store.list()
        output.lines(
          credentials.length > 0 ? summaryLines(output, credentials) : ['No credentials yet.'],
        )
        output.document(credentials)
        return Promise.resolve(undefined)
      }),
    ),
  )
}

function summaryLines(output: Output, credentials: readonly CredentialSummary[]): string[] {
  const { colors } = output
  const expiry = ({ expires, expiry: state }: CredentialSummary): string => {
    if (expires === null) return '-'
    const day = expires.slice(0, 10)
    return state === 'expired'
      ? colors.red(`${day} expired`)
      : state === 'soon'
        ? colors.yellow(`${day} soon`)
        : day
  }
  return table(
    [
      ['NAME', 'KIND', 'VERSION', 'ROTATED', 'EXPIRES', 'FIELDS'],
      ...credentials.map((credential) => [
        credential.name,
        credential.kind,
        String(credential.version),
        credential.rotated.slice(0, 10),
        expiry(credential),
        credential.fields.join(' '),
      ]),
    ],
    'llrlll',
  )
}
