// Runs a small campaign (PINNACLE_CAMPAIGN_IMAGES sets the size), and checks that a campaign detects errors.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { makeBase, type Base } from './base.js'
import { campaign } from './campaign.js'
import { wordsOf } from './evidence.js'
import { Expectations } from './expected.js'
import { checkImage, damageBase, type ImageResult } from './image.js'

const images = Number(process.env['PINNACLE_CAMPAIGN_IMAGES'] ?? 125)

/** In memory if the system supports it: each image is written, synced and removed several times. */
function workDirectory(t: Test): string {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
  const directory = mkdtempSync(path.join(parent, 'pinnacle-campaign-test-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

t.test('whatever is damaged, nothing wrong opens and nothing wrong is kept', async (t) => {
  const bad: string[] = []
  const tally = await campaign({
    seed: 1,
    images,
    comparesPure: true,
    jobs: 2,
    work: workDirectory(t),
    onResult(result) {
      if (result.violations.length + result.disagreements.length > 0) bad.push(...wordsOf(result))
    },
  })
  t.strictSame(bad, [])
  t.equal(tally.all.images, images)
  t.ok(tally.all.opened > 0 && tally.all.refused > 0 && tally.all.salvage > 0)
})

async function undamaged(base: Base, work: string): Promise<ImageResult> {
  const request = { seed: 1, number: 0, only: 'undamaged' }
  const image = damageBase(base, request, path.join(work, 'image'))
  return checkImage(base, new Expectations(), image, 0, work, true)
}

t.test('a campaign notices what is lost, wrong or strange', async (t) => {
  const work = workDirectory(t)
  const base = await makeBase(3, work)
  t.strictSame(wordsOf(await undamaged(base, work)).slice(1), [])
  const { history } = base.ours
  const [first] = history.entries
  if (!first) throw new Error('the base has no entries')
  const withHistory = (change: Partial<typeof history>): Base => ({
    ...base,
    ours: { ...base.ours, history: { ...history, ...change } },
  })

  const acknowledged = history.entries.length + 1
  const lost = await undamaged(withHistory({ acknowledged }), work)
  t.match(
    lost.limits,
    ['no-witness'],
    'a loss without evidence in the image is counted under its limit',
  )

  const entries = [{ ...first, instrument: first.instrument + 1 }, ...history.entries.slice(1)]
  const strange = await undamaged(withHistory({ entries }), work)
  t.match(strange.violations[0], /^an entry that is not ours was kept: entry 1 reads/)

  const shorter = await undamaged(withHistory({ entries: history.entries.slice(0, -1) }), work)
  t.match(shorter.violations[0], /was never appended/)

  const snapshots = await undamaged(
    withHistory({ entries: history.entries.map((entry) => ({ ...entry, timestampNs: 1n })) }),
    work,
  )
  t.ok(snapshots.violations.length > 0)
})
