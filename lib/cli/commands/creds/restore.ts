/** `pinnacle creds restore`: puts a backup of the credentials in place. */
import type { Command } from 'commander'
import { AuditTrail } from '../../../audit/index.js'
import { restoreBackup } from '../../../credentials/index.js'
import { action } from '../../action.js'
import { directoryOf, withData, type DataOptions } from '../../data-options.js'

interface RestoreOptions extends DataOptions {
  force?: boolean
}

export function register(creds: Command): void {
  withData(creds.command('restore <backup>').description('put a backup in place'))
    .option('--force', 'also where that replaces something newer or of another store')
    .action(
      action<RestoreOptions, [string]>(async (output, options, backupPath) => {
        const dataDirectory = directoryOf(options)
        const audit = new AuditTrail({ dataDirectory })
        const force = options.force ?? false
        const backup = await restoreBackup({ dataDirectory, backupPath, audit, force })
        output.line(
          `Restored version ${String(backup.generation)}, backed up on ${backup.created}.`,
        )
        output.document({ generation: backup.generation, created: backup.created })
        return undefined
      }),
    )
}
