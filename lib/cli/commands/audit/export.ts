/** `pinnacle audit export`: the trail's lines as JSON. */
import type { Command } from 'commander'
import { action } from '../../action.js'
import { conclude, readTrail, withKey, type KeyOptions } from '../../audit-access.js'

export function register(audit: Command): void {
  withKey(
    audit
      .command('export')
      .description('the lines as JSON, one each, up to the first that is not as written'),
  ).action(
    action<KeyOptions>(async (output, options) => {
      const lines: string[] = []
      const report = await readTrail(output, options, (line) => {
        lines.push(JSON.stringify(line))
      })
      for (const line of lines) await output.raw(line)
      return conclude(output, report)
    }),
  )
}
