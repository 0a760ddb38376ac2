/**
 * Verifies a whole data directory without native code: `pinnacle verify --pure`.
 *
 * Beside a running writer segments appear, are recycled and vanish while they are read, and what was read
 * is stale at the end. So a look that finds something wrong is repeated: what is really wrong is found
 * again and again at the same place, and what was only stale is not.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'

import { PinnacleError } from '../errors/pinnacle-error.js'
import { listJournal, listSnapshots } from './files.js'
import { readHead } from './head.js'
import { lookOnce, type PureReport } from './look.js'
import { MovedError } from './refusals.js'
import { writerOf } from './writer.js'

export type { PureReport } from './look.js'

const mostLooks = 24
/** What so many looks in a row find alike is so. */
const alikeLooks = 3
const longestPauseMs = 40

/** Throws ERR_PINNACLE_BUSY where a writer lets no look be consistent. */
export function verifyPure(dataDirectory: string): PureReport {
  if (!['journal', 'HEAD'].some((name) => existsSync(path.join(dataDirectory, name)))) {
    throw new PinnacleError(
      'ERR_PINNACLE_NOT_FOUND',
      `${dataDirectory} holds no journal; check whether it is a data directory`,
    )
  }
  let alike = 0
  let before: PureReport | undefined
  let finding = ''
  for (let looks = 1; looks <= mostLooks; looks++) {
    const names = namesOf(dataDirectory)
    const report = lookUnlessMoved(dataDirectory)
    if (report !== undefined) {
      if (report.problems.length + report.damaged.length === 0) return report
      const isStill = writerOf(dataDirectory) === 0 && namesOf(dataDirectory) === names
      alike = before !== undefined && foundIn(before) === foundIn(report) ? alike + 1 : 1
      if (isStill || alike === alikeLooks) return report
      if (before !== undefined && hasMovedOn(before, report)) return upToItsEnd(before, report)
      before = report
      finding = [...report.problems, ...report.damaged].join('; ')
    }
    pause(Math.min(looks * 4, longestPauseMs))
  }
  throw new PinnacleError(
    'ERR_PINNACLE_BUSY',
    `${dataDirectory} changed during each of ${String(mostLooks)} looks, so nothing can be said of it ` +
      `(the writer is process ${String(writerOf(dataDirectory))}). Verify it again, or after the writer ` +
      `has closed. The last look found: ${finding}`,
    { details: { looks: mostLooks, finding } },
  )
}

function lookUnlessMoved(dataDirectory: string): PureReport | undefined {
  try {
    return lookOnce(dataDirectory)
  } catch (error) {
    if (error instanceof MovedError) return undefined
    throw error
  }
}

/** What a writer moves when it opens, rolls, takes a snapshot or compacts. */
function namesOf(dataDirectory: string): string {
  const head = readHead(dataDirectory)
  const { segments } = listJournal(dataDirectory)
  return [
    typeof head === 'object' ? String(head.counter) : '',
    ...segments.map(({ name }) => name),
    ...listSnapshots(dataDirectory).map(({ name }) => name),
  ].join()
}

function foundIn({ verdict, problems, damaged }: PureReport): string {
  return JSON.stringify([verdict, problems, damaged])
}

/** At the place where the earlier look's good entries stopped, the later one found the entry. */
function hasMovedOn(earlier: PureReport, later: PureReport): boolean {
  return earlier.onlyTail && later.journal.lastSequence > earlier.journal.lastSequence
}

/** Nothing was wrong at the place where it stopped: the tail was moving, and is clean up to there. */
function upToItsEnd(report: PureReport, later: PureReport): PureReport {
  const journal = { ...report.journal, verdict: 'clean' as const, problems: [] }
  const damaged = report.damaged.filter((each) => later.damaged.includes(each))
  return { ...report, verdict: 'clean', journal, problems: [], damaged }
}

/** The reader is synchronous: it holds the thread, and waits on it. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
