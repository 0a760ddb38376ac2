/**
 * Verifies a whole data directory without native code: `pinnacle verify --pure`.
 *
 * Beside a running writer segments appear, are recycled and vanish during the read, and the bytes read are
 * stale at the end. So a look that finds something wrong is repeated: real damage is found repeatedly at the
 * same place, stale bytes are not.
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

const mostLooks = 40
/** A finding that this many consecutive looks share is real. */
const alikeLooks = 3
/** But a writer may have been stopped for a moment amid an entry. */
const tailStandsStillMs = 500
const longestPauseMs = 40

/** Throws ERR_PINNACLE_BUSY if a writer changes the directory during each look. */
export function verifyPure(dataDirectory: string): PureReport {
  if (!['journal', 'HEAD'].some((name) => existsSync(path.join(dataDirectory, name)))) {
    throw new PinnacleError(
      'ERR_PINNACLE_NOT_FOUND',
      `${dataDirectory} holds no journal; check whether it is a data directory`,
    )
  }
  const findings = new Findings()
  let before: PureReport | undefined
  for (let looks = 1; looks <= mostLooks; looks++) {
    const names = namesOf(dataDirectory)
    const report = lookUnlessMoved(dataDirectory)
    if (report !== undefined) {
      if (report.problems.length + report.damaged.length === 0) return report
      const isStill = writerOf(dataDirectory) === 0 && namesOf(dataDirectory) === names
      if (isStill || findings.areSettledBy(report)) return report
      if (before !== undefined && hasMovedOn(before, report)) return upToItsEnd(before, report)
      before = report
    }
    pause(Math.min(looks * 4, longestPauseMs))
  }
  const last = before === undefined ? 'files vanished' : [...before.problems, ...before.damaged][0]
  throw new PinnacleError(
    'ERR_PINNACLE_BUSY',
    `a writer changed ${dataDirectory} during each of ${String(mostLooks)} attempts to read it ` +
      `(last finding: ${String(last)}); verify it again, or once the writer has closed it`,
  )
}

/** Findings of consecutive looks. */
class Findings {
  #text = ''
  #alike = 0
  #sinceMs = 0

  /** Whether enough consecutive looks agree. */
  areSettledBy({ verdict, problems, damaged, onlyTail }: PureReport): boolean {
    const text = JSON.stringify([verdict, problems, damaged])
    if (text !== this.#text) {
      this.#text = text
      this.#alike = 0
      this.#sinceMs = performance.now()
    }
    this.#alike++
    if (this.#alike < alikeLooks) return false
    return !onlyTail || performance.now() - this.#sinceMs >= tailStandsStillMs
  }
}

function lookUnlessMoved(dataDirectory: string): PureReport | undefined {
  try {
    return lookOnce(dataDirectory)
  } catch (error) {
    if (error instanceof MovedError) return undefined
    throw error
  }
}

/** The names that a writer changes when it opens, rolls, takes a snapshot or compacts. */
function namesOf(dataDirectory: string): string {
  const head = readHead(dataDirectory)
  return [
    typeof head === 'object' ? String(head.counter) : '',
    ...[...listJournal(dataDirectory), ...listSnapshots(dataDirectory)].map(({ name }) => name),
  ].join()
}

/** The later look found the entry at the place at which the earlier look's good entries stopped. */
function hasMovedOn(earlier: PureReport, later: PureReport): boolean {
  return earlier.onlyTail && later.journal.lastSequence > earlier.journal.lastSequence
}

/** The tail was moving, not damaged: the report is clean up to its end. */
function upToItsEnd(report: PureReport, later: PureReport): PureReport {
  const journal = { ...report.journal, verdict: 'clean' as const, problems: [] }
  const damaged = report.damaged.filter((each) => later.damaged.includes(each))
  return { ...report, verdict: 'clean', journal, problems: [], damaged }
}

/** The reader is synchronous: it blocks the thread while it waits. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
