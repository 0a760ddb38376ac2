/** `pinnacle audit show`: prints the trail. */
import type { Command } from 'commander'
import type { AuditLine } from '../../../audit/index.js'
import { action } from '../../action.js'
import { countArgument } from '../../arguments.js'
import { conclude, readTrail, withKey, type KeyOptions } from '../../audit-access.js'
import type { Output } from '../../output.js'
import { printable, table } from '../../text.js'

interface ShowOptions extends KeyOptions {
  last?: number
}

export function register(audit: Command): void {
  withKey(audit.command('show').description('print the trail'))
    .option('--last <n>', 'only the last lines', countArgument)
    .action(
      action<ShowOptions>(async (output, options) => {
        const lines: AuditLine[] = []
        const report = await readTrail(output, options, (line) => {
          lines.push(line)
          if (options.last !== undefined && lines.length > options.last) lines.shift()
        })
        output.lines(
          table(
            lines.map((line) => row(output, line)),
            'rllllll',
          ),
        )
        output.document({ ...report, lines })
        return conclude(output, report)
      }),
    )
}

function row(output: Output, line: AuditLine): string[] {
  const { colors } = output
  const paint =
    line.outcome === 'failed' || line.outcome === 'refused'
      ? colors.red
      : line.outcome === 'warning'
        ? colors.yellow
        : colors.dim
  const detail = Object.entries(line.detail).map(([name, value]) => `${name}=${String(value)}`)
  return [
    String(line.sequence),
    line.time,
    paint(line.outcome),
    line.action,
    printable(line.target),
    `uid ${String(line.actor.uid)} pid ${String(line.actor.pid)} ${printable(line.actor.host)}`,
    printable([line.code, ...detail].filter(Boolean).join(' ')),
  ]
}
