import t from 'tap'
import { backupCampaign } from './campaign.js'

t.setTimeout(300_000)

t.test(
  'backups at random moments of a busy writer, some of them killed, restore to the state of the oracle',
  async (t) => {
    const counts = await backupCampaign({ rounds: 15, seed: 5, directory: t.testdir() })
    t.strictSame(counts.violations, [])
    t.ok(counts.backups > 5, `${String(counts.backups)} backups`)
    t.ok(counts.restores >= counts.backups, `${String(counts.restores)} restored`)
    t.ok(counts.killedWriters + counts.killedBackups > 0)
  },
)
