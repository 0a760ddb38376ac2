/**
 * npm run backup-campaign -- [--rounds N] [--seed N] [--directory DIRECTORY]
 *
 * Makes backups at N random moments of busy writers, restores each and compares it with the oracle
 * (campaign.ts). The moments are in real time, so a seed does not repeat a run; the files of a violation are
 * kept.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { backupCampaign } from './campaign.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    directory: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir() },
  },
})
const directory = mkdtempSync(path.join(values.directory, 'pinnacle-backups-'))
const begun = Date.now()
const { violations, ...counts } = await backupCampaign({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  directory,
  onRound: (round) => {
    if (round % 50 === 0) console.error(`${String(round)} rounds`)
  },
})
console.log(
  JSON.stringify({ ...values, ...counts, seconds: Math.round((Date.now() - begun) / 1000) }),
)
for (const violation of violations) console.log(`VIOLATION: ${violation}`)
if (violations.length === 0) rmSync(directory, { recursive: true, force: true })
process.exitCode = violations.length === 0 ? 0 : 1
