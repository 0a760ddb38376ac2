/**
 * One look at a whole data directory: what a strict open would do with it. It reads in the order in which a
 * writer makes things true: first the newest good snapshot, then the journal that continues from it, and only
 * then what no open needs.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'

import { PureBooks } from './book.js'
import { listSnapshots, readWhole, type NamedFile } from './files.js'
import { readHead } from './head.js'
import { followJournal, type PureJournal, type Verdict } from './journal.js'
import { layoutOf } from './layout.js'
import { MovedError, refuseNewer } from './refusals.js'
import {
  holeType,
  isZero,
  sealedChecksum,
  snapshotOfHole,
  viewOf,
  type PureEntry,
} from './segment.js'
import { readSnapshot, type PureSnapshot } from './snapshot.js'

export interface PureReport {
  verdict: Verdict
  journal: PureJournal
  snapshots: { name: string; problem: string }[] // problem '': it verifies
  /**
   * Books at the end of the journal; undefined if the journal no longer holds its beginning and no snapshot
   * leads to it.
   */
  books: PureBooks | undefined
  /** The reasons for the verdict. */
  problems: string[]
  /** Damage that a strict open ignores: other snapshots, entries that a snapshot already holds. */
  damaged: string[]
  /** Only the place at which the good entries stop may be wrong. */
  onlyTail: boolean
  /** Named by the head record: it may have entries that are in no file. '': none. */
  window: string
}

/** Throws a MovedError if a file vanished or changed meanwhile. */
export function lookOnce(dataDirectory: string): PureReport {
  const { journalId } = layoutOf(dataDirectory)
  const files = listSnapshots(dataDirectory)
  const snapshots: PureReport['snapshots'] = []
  let base: PureSnapshot | undefined
  while (base === undefined) {
    const file = files.pop() // the newest of the remaining files
    if (file === undefined) break
    const snapshot = verified(file, readWhole(file.path), journalId)
    if (typeof snapshot !== 'string') base = snapshot
    snapshots.unshift({ name: file.name, problem: typeof snapshot === 'string' ? snapshot : '' })
  }
  const entries = new Entries(base, files)
  // Listed again: the journal is at least as far as the snapshot.
  const layout = layoutOf(dataDirectory)
  const asBase = base && { sequence: base.sequence, entryChecksum: base.entryChecksum }
  const journal = followJournal(layout, asBase, (entry) => entries.visit(entry))
  const older: PureSnapshot[] = []
  for (const file of files.reverse()) {
    const snapshot = lookAtOlder(file, journalId)
    if (snapshot === undefined) continue
    const isGood = typeof snapshot !== 'string'
    if (isGood) older.push(snapshot)
    snapshots.unshift({ name: file.name, problem: isGood ? '' : snapshot })
  }
  const gap = gapBetween(base, snapshots.length, layout.slots.length, journal)
  const needed = [...(gap === '' ? [] : [gap]), ...entries.problems]
  const problems = [...needed, ...journal.problems]
  const damaged = snapshots.flatMap(({ name, problem }) =>
    problem === '' ? [] : [`${name}: ${problem}`],
  )
  return {
    ...verdictOf(dataDirectory, needed.length > 0 ? 'corrupt' : journal.verdict, problems),
    journal,
    snapshots,
    books: entries.books,
    damaged: [...damaged, ...entries.notTheirs(older), ...journal.damaged],
    onlyTail: needed.length === 0 && journal.onlyTail,
    window: windowOf(dataDirectory),
  }
}

function windowOf(dataDirectory: string): string {
  const head = readHead(dataDirectory)
  return typeof head === 'object' ? head.window : ''
}

/** The repair judges what its interruption left, once it has finished. */
function verdictOf(
  dataDirectory: string,
  verdict: Verdict,
  problems: string[],
): { verdict: Verdict; problems: string[] } {
  if (!existsSync(path.join(dataDirectory, 'REPAIR'))) return { verdict, problems }
  const pending = 'repair pending: a repair was interrupted, and the next open finishes it'
  return { verdict: 'torn', problems: [pending] }
}

/** Why the journal does not continue from the base; '' if it does. */
function gapBetween(
  base: PureSnapshot | undefined,
  snapshots: number,
  slots: number,
  journal: PureJournal,
): string {
  const upTo = base?.sequence ?? 0n
  const covered =
    base === undefined
      ? 'there is no snapshot that verifies'
      : `the newest snapshot that verifies ends at entry ${String(upTo)}`
  if (slots === 0) return snapshots === 0 ? '' : `the journal has no segment, but ${covered}`
  if (journal.begins <= upTo + 1n) return ''
  return `the journal begins with entry ${String(journal.begins)}, but ${covered}`
}

/** A snapshot that agrees with its name and the journal; otherwise what is wrong with it. */
function verified(file: NamedFile, bytes: Uint8Array, journalId: string): PureSnapshot | string {
  refuseNewerSnapshot(file.name, bytes)
  let snapshot: PureSnapshot
  try {
    snapshot = readSnapshot(bytes, { name: file.name, journalId: journalId || undefined })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (!isZero(bytes, 96, 112)) return 'the header names a key, but the snapshot is not sealed'
  return snapshot
}

function refuseNewerSnapshot(name: string, bytes: Uint8Array): void {
  if (bytes.length < 128) return
  const view = viewOf(bytes)
  if (sealedChecksum(bytes, 0, 128) !== view.getUint32(12, true)) return
  refuseNewer(name, view.getUint16(8, true), view.getBigUint64(16, true))
}

/** Reads a snapshot that no open needs; undefined if a writer has removed it meanwhile. */
function lookAtOlder(file: NamedFile, journalId: string): PureSnapshot | string | undefined {
  try {
    return verified(file, readWhole(file.path), journalId)
  } catch (error) {
    if (error instanceof MovedError) return undefined
    return error instanceof Error ? error.message : String(error)
  }
}

/** Applies entries to the base's books, and keeps what the entries say about the snapshots. */
class Entries {
  readonly problems: string[] = []
  readonly #base: bigint
  #next: bigint
  /** Checksums of the entries at which snapshots were taken; undefined: not read yet. */
  readonly #checksums: Map<bigint, number | undefined>
  /** Undefined: an entry is missing before the first. */
  books: PureBooks | undefined

  constructor(base: PureSnapshot | undefined, older: readonly NamedFile[]) {
    this.#base = base?.sequence ?? 0n
    this.#next = this.#base + 1n
    this.#checksums = new Map(older.map(({ number }) => [number, undefined]))
    this.books = base?.books ?? new PureBooks()
  }

  visit(entry: PureEntry): void {
    const isHole = entry.type === holeType
    if (!isHole && this.#checksums.has(entry.sequence)) {
      this.#checksums.set(entry.sequence, entry.checksum)
    }
    if (entry.sequence <= this.#base || this.problems.length > 0) return
    if (entry.firstSequence > this.#next) this.books = undefined
    this.#next = entry.sequence + 1n
    if (isHole && snapshotOfHole(entry) > this.#base) {
      this.problems.push(
        `entries ${String(entry.firstSequence)} to ${String(entry.sequence)} are lost, and snapshot ` +
          `${String(snapshotOfHole(entry))}, which holds what they did, can't be used`,
      )
      return
    }
    try {
      this.books?.apply(entry)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.problems.push(`entry ${String(entry.sequence)} can't be applied: ${why}`)
    }
  }

  /** Snapshots that name another entry than the journal's. */
  notTheirs(snapshots: readonly PureSnapshot[]): string[] {
    return snapshots.flatMap(({ sequence, entryChecksum }) => {
      const found = this.#checksums.get(sequence)
      if (entryChecksum === 0 || found === undefined || found === entryChecksum) return []
      return [`entry ${String(sequence)} is not the one that snapshot ${String(sequence)} names`]
    })
  }
}
