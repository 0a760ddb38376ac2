/** Verifies a whole data directory without native code: `pinnacle verify --pure`. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import path from 'node:path'

import { PureBooks } from './book.js'
import { readJournal, type PureJournal, type Verdict } from './journal.js'
import { readHeader } from './segment.js'
import { readSnapshot, type PureSnapshot } from './snapshot.js'

export interface PureReport {
  verdict: Verdict
  journal: PureJournal
  snapshots: { name: string; problem: string }[] // problem '': it verifies
  /** Books at the end of the journal; undefined where the journal no longer holds its beginning and no
   *  snapshot leads there. */
  books: PureBooks | undefined
  problems: string[]
}

export function verifyPure(dataDirectory: string): PureReport {
  const snapshots: PureReport['snapshots'] = []
  const good: PureSnapshot[] = []
  const directory = path.join(dataDirectory, 'snapshots')
  const journalId = journalIdOf(dataDirectory)
  const names = existsSync(directory) ? readdirSync(directory).sort() : []
  for (const name of names.filter((each) => /^\d{20}\.snapshot$/.test(each))) {
    try {
      good.push(readSnapshot(readFileSync(path.join(directory, name)), { name, journalId }))
      snapshots.push({ name, problem: '' })
    } catch (error) {
      snapshots.push({ name, problem: error instanceof Error ? error.message : String(error) })
    }
  }
  const problems: string[] = []
  const newest = good.at(-1)
  let books: PureBooks | undefined
  const journal = readJournal(
    dataDirectory,
    (entry) => {
      if (books === undefined && entry.sequence === 1n && newest === undefined)
        books = new PureBooks()
      if (newest !== undefined && entry.sequence === newest.sequence) {
        if (newest.entryChecksum !== 0 && newest.entryChecksum !== entry.checksum) {
          problems.push(`entry ${String(entry.sequence)} is not the one that the snapshot names`)
        }
      }
      if (newest !== undefined && books === undefined && entry.sequence > newest.sequence) {
        if (entry.sequence !== newest.sequence + 1n) {
          problems.push(`the journal begins behind the newest good snapshot`)
        }
        books = newest.books
      }
      if (books === undefined) return
      try {
        books.apply(entry)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        problems.push(`entry ${String(entry.sequence)} can't be applied: ${why}`)
      }
    },
    (newest?.sequence ?? 0n) + 1n,
  )
  if (newest !== undefined) {
    if (journal.entries > 0 && journal.lastSequence < newest.sequence) {
      problems.push(`the journal ends before snapshot ${String(newest.sequence)}`)
    }
    books ??= newest.books
  }
  for (const { name, problem } of snapshots) if (problem) problems.push(`${name}: ${problem}`)
  const verdict = problems.length > 0 ? 'corrupt' : journal.verdict
  return { verdict, journal, snapshots, books, problems: [...problems, ...journal.problems] }
}

/** The id in the oldest segment whose header is sound. */
function journalIdOf(dataDirectory: string): string | undefined {
  const directory = path.join(dataDirectory, 'journal')
  const names = readdirSync(directory).filter((each) => /^\d{20}\.segment$/.test(each))
  for (const name of names.sort()) {
    const page = new Uint8Array(4096)
    const file = openSync(path.join(directory, name), 'r')
    readSync(file, page)
    closeSync(file)
    const header = readHeader(page)
    if (typeof header !== 'string') return header.journalId
  }
  return undefined
}
