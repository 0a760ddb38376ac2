// The two readers share no code; whatever is done to a directory, they must say the same of it.
import { rmSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

import { inspect, isPinnacleError, verdictOf } from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { Dice, makeDirectory, spoil } from './spoiling.js'

const rounds = 150
const firstSeed = 1001

/** Verdict and last entry; of a corrupt directory the verdict alone. */
async function byEngine(dataDirectory: string): Promise<string> {
  try {
    const report = await inspect(dataDirectory)
    const verdict = verdictOf(report)
    const last = verdict === 'corrupt' ? '' : ` to ${report.recovery.lastSequence}`
    return verdict + last
  } catch (error) {
    if (!isPinnacleError(error)) return String(error)
    // What has little of a segment left is another kind of file to the engine: it refuses as well.
    return error.code === 'ERR_PINNACLE_NOT_OUR_FILE' ? 'corrupt' : error.code
  }
}

function bySecondReader(dataDirectory: string): string {
  try {
    const { verdict, damaged, journal, books } = verifyPure(dataDirectory)
    if (verdict === 'corrupt') return verdict
    const last = Math.max(Number(journal.lastSequence), Number(books?.lastSequence ?? 0n))
    return `${damaged.length > 0 ? 'damaged' : verdict} to ${last}`
  } catch (error) {
    return isPinnacleError(error) ? error.code : String(error)
  }
}

t.test('both readers judge spoilt directories alike', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const verdicts = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(firstSeed + round)
    rmSync(dataDirectory, { recursive: true, force: true })
    makeDirectory(dice, dataDirectory)
    const done: string[] = []
    for (let count = dice.roll(3); count > 0; count--) done.push(spoil(dice, dataDirectory))
    const engine = await byEngine(dataDirectory)
    const second = bySecondReader(dataDirectory)
    const verdict = engine.split(' ')[0] ?? ''
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    if (engine !== second) {
      t.fail(`round ${round}: the engine says ${engine}, the second reader ${second}`, { done })
    }
  }
  for (const verdict of ['clean', 'torn', 'damaged', 'corrupt']) {
    t.ok((verdicts.get(verdict) ?? 0) >= 3, `${verdict}: ${verdicts.get(verdict) ?? 0}`)
  }
})
