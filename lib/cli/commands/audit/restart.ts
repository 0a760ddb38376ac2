/** `pinnacle audit restart`: puts a damaged trail aside and begins a new one. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { action } from '../../action.js'
import { trailOf } from '../../audit-access.js'
import { withData, type DataOptions } from '../../data-options.js'
import { usageError } from '../../usage-error.js'

interface RestartOptions extends DataOptions {
  yes?: boolean
}

export function register(audit: Command): void {
  withData(
    audit
      .command('restart')
      .description('put a damaged trail aside as evidence and begin a new one'),
  )
    .option('--yes', 'do it')
    .action(
      action<RestartOptions>(async (output, options) => {
        if (!options.yes) throw usageError('this begins a new trail; say --yes if that is meant')
        const trail = trailOf(options)
        const suffix = await trail.restart()
        const aside = join(trail.dataDirectory, `audit${suffix}`)
        output.line(`The old trail is in ${aside}.`)
        output.document({ putAside: aside })
        return undefined
      }),
    )
}
