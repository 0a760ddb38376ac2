/** The line of history that the content of an image belongs to. */
import { readFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import type { JournalEntry } from '../../lib/index.js'
import type { Base, Line } from './base.js'
import { filesOf, kindOf } from './files.js'
import { readHeadSlots } from './format.js'
import { difference } from './history.js'

export type LineName = 'ours' | 'twin' | 'foreign'
const lineNames: readonly LineName[] = ['ours', 'twin', 'foreign']

export function lineOf(base: Base, name: LineName): Line {
  return base[name]
}

export interface Belonging {
  /** Lines that contain every entry; entries before a fork are in both. */
  lines: LineName[]
  /** The first entry that is not ours. */
  stranger: string
}

/** Compares content, entry by entry; holes have none. */
export function belongingOf(base: Base, entries: readonly JournalEntry[]): Belonging {
  const lines = lineNames.filter((name) => strangerIn(base[name], entries) === '')
  return { lines, stranger: strangerIn(base.ours, entries) }
}

function strangerIn(line: Line, entries: readonly JournalEntry[]): string {
  for (const entry of entries) {
    if (entry.type === 'hole') continue
    const what = difference(entry, line.history.entries[entry.sequence - 1])
    if (what !== '') return what
  }
  return ''
}

/**
 * The lines whose entries a repair may keep. The head record says which copy of which journal the directory
 * is. Without one, the copy is unknown, and the journal is the one of most segments.
 */
export function allowedLines(base: Base, image: string): LineName[] {
  const head = path.join(image, 'HEAD')
  const [slot] = existsSync(head) ? readHeadSlots(readFileSync(head)) : []
  if (slot) {
    const bytes = readFileSync(head).subarray(slot.offset, slot.offset + slot.bytes)
    const id = journalId(bytes)
    if (id === journalId(readHead(base.foreign))) return ['ours', 'twin', 'foreign']
    // The head record is its journal's only file here, so it was copied from elsewhere.
    if (!otherFiles(image).some((each) => each === id)) return ['ours', 'twin', 'foreign']
    const isIn = (line: Line): boolean =>
      readHeadSlots(readHead(line)).some((each) =>
        readHead(line)
          .subarray(each.offset, each.offset + each.bytes)
          .equals(bytes),
      )
    return isIn(base.twin) && !isIn(base.ours) ? ['ours', 'twin'] : ['ours']
  }
  const foreign = journalId(readHead(base.foreign))
  const ids = otherFiles(image)
  const foreigners = ids.filter((each) => each === foreign).length
  return foreigners * 2 >= ids.length ? ['ours', 'twin', 'foreign'] : ['ours', 'twin']
}

/** The journals of segments and snapshots. */
function otherFiles(image: string): string[] {
  return filesOf(image)
    .filter((name) => kindOf(name) === 'segment' || kindOf(name) === 'snapshot')
    .map((name) => journalId(readFileSync(path.join(image, name))))
}

function readHead(line: Line): Buffer {
  return readFileSync(path.join(line.directory, 'HEAD'))
}

/** At the same offset in head records and segments. */
function journalId(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(32, 48)).toString('hex')
}
