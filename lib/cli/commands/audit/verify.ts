/** `pinnacle audit verify`: looks for removed, changed, reordered or truncated lines. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { conclude, readTrail, withKey, type KeyOptions } from '../../audit-access.js'
import { ExitCode } from '../../exit-codes.js'
import { plural } from '../../text.js'

export function register(audit: Command): void {
  withKey(
    audit.command('verify').description('find removed, changed, reordered or truncated lines'),
  ).action(
    action<KeyOptions>(async (output, options) => {
      const report = await readTrail(output, options, () => undefined)
      output.document(report)
      const code = conclude(output, report)
      if (code === ExitCode.Ok) output.line(`${plural(report.lines, 'line')}, all as written.`)
      return code
    }),
  )
}
