// The two readers share no code; they must agree on every directory, whatever its damage.
import { rmSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

import { inspect, isPinnacleError, PersistenceManager, verdictOf } from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { headFile, idOf, SegmentImage, segmentName, write } from './image.js'
import { Dice, makeDirectory, spoil } from './spoiling.js'
import { spoilTransactions } from './spoiling-transactions.js'

const rounds = 150
const transactionRounds = 300
const firstSeed = 1001

/** Verdict and last entry; only the verdict of a corrupt directory. */
async function byEngine(dataDirectory: string): Promise<string> {
  try {
    const report = await inspect(dataDirectory)
    const verdict = verdictOf(report)
    const last = verdict === 'corrupt' ? '' : ` to ${report.recovery.lastSequence}`
    return verdict + last
  } catch (error) {
    if (!isPinnacleError(error)) return String(error)
    // To the engine, a short rest of a segment is another kind of file: it refuses as well.
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

/** The state after an open of the directory. */
async function afterOpen(dataDirectory: string): Promise<string> {
  const manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
  const { lastSequence } = manager.recovery
  await manager.close()
  return `torn to ${lastSequence}, then ${bySecondReader(dataDirectory)}`
}

class Verdicts {
  readonly #counts = new Map<string, number>()

  add(said: string): void {
    const verdict = said.split(' ')[0] ?? ''
    this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1)
  }

  of(verdict: string): number {
    return this.#counts.get(verdict) ?? 0
  }
}

t.test('both readers judge spoilt directories alike', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const verdicts = new Verdicts()
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(firstSeed + round)
    rmSync(dataDirectory, { recursive: true, force: true })
    makeDirectory(dice, dataDirectory)
    const done: string[] = []
    for (let count = dice.roll(3); count > 0; count--) done.push(spoil(dice, dataDirectory))
    const engine = await byEngine(dataDirectory)
    const second = bySecondReader(dataDirectory)
    verdicts.add(engine)
    if (engine !== second) {
      t.fail(`round ${round}: the engine says ${engine}, the second reader ${second}`, { done })
    }
  }
  for (const verdict of ['clean', 'torn', 'damaged', 'corrupt']) {
    t.ok(verdicts.of(verdict) >= 3, `${verdict}: ${verdicts.of(verdict)}`)
  }
})

/** Plain entries and transactions, few of them known to be durable; perhaps with a next segment. */
function makeTransactions(dice: Dice): SegmentImage[] {
  const features = dice.once(30) ? 0n : 1n
  const one = new SegmentImage({ features })
  let next = 1
  for (let count = 1 + dice.roll(6); count > 0; count--) {
    const durable = dice.once(3) ? Math.max(0, next - 1 - dice.roll(8)) : 0
    const payload = Buffer.alloc(dice.pick([32, 32, 32, 0, 100, 700]), 1 + dice.roll(255))
    const last = next + dice.roll(6)
    if (dice.once(3)) one.entry({ sequence: next++, durable })
    else if (last > next) {
      one.transaction(next, last, { durable, payload })
      next = last + 1
    }
  }
  if (!dice.once(3)) return [one]
  const two = new SegmentImage({ index: 2, predecessor: idOf(1), features })
  // (Or with an entry that the first segment has, or should have.)
  if (dice.once(3)) next = Math.max(1, next - 1 - dice.roll(6))
  return [one, dice.once(2) ? two : two.transaction(next, next + 2, { durable: 0 })]
}

t.test('both readers judge spoilt transactions alike, and cut the same', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const verdicts = new Verdicts()
  for (let round = 0; round < transactionRounds; round++) {
    const dice = new Dice(firstSeed + round)
    rmSync(dataDirectory, { recursive: true, force: true })
    const segments = makeTransactions(dice)
    const [one, newest] = [segments[0] as SegmentImage, segments.at(-1) as SegmentImage]
    const done: string[] = []
    for (let count = dice.roll(3); count >= 0; count--) {
      done.push(spoilTransactions(dice, dice.pick(segments)))
    }
    const durable = dice.once(4) ? dice.roll(12) : 0
    const named = [newest.index, newest.id] as [number, bigint]
    write(dataDirectory, {
      HEAD: headFile({ oldest: [1, one.id], newest: named, durable }),
      ...Object.fromEntries(segments.map(({ index, bytes }) => [segmentName(index), bytes])),
    })
    const engine = await byEngine(dataDirectory)
    const second = bySecondReader(dataDirectory)
    verdicts.add(engine)
    if (engine !== second) {
      t.fail(`round ${round}: the engine says ${engine}, the second reader ${second}`, { done })
    } else if (engine.startsWith('torn') && dice.once(3)) {
      const expected = `${second}, then ${second.replace('torn', 'clean')}`
      t.equal(await afterOpen(dataDirectory), expected, `round ${round}: a cut`)
    }
  }
  for (const verdict of ['clean', 'torn', 'corrupt']) {
    t.ok(verdicts.of(verdict) >= 20, `${verdict}: ${verdicts.of(verdict)}`)
  }
})
