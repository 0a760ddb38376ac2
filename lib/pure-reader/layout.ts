/**
 * The segments that must exist, and those among the files that belong: "What must be there" in
 * docs/format.md. It reads headers, marks and first lines, but no entry.
 */
import { listJournal, longestIndex, readStart, type NamedFile } from './files.js'
import { lastIndexOf, readHead, type HeadRecord, type SegmentName } from './head.js'
import {
  firstEntryOffset,
  isZero,
  lineBytes,
  readHeader,
  readLink,
  type SegmentHeader,
} from './segment.js'

/** One index from the journal's oldest to its last; a misfit must not be read. */
export type Slot = Belonging | Misfit

export interface Belonging extends NamedFile {
  belongs: true
  header: SegmentHeader
  link: bigint
}

export interface Misfit {
  belongs: false
  number: bigint
  name: string
  problem: string
}

export interface Layout {
  /** From the head record, or the most frequent one of the segments; '': unknown. */
  journalId: string
  /** In order of their indices. */
  slots: Slot[]
  /** Why the journal is corrupt; empty if everything exists and belongs. */
  problems: string[]
  /** The durable sequence that the head record names. */
  durable: bigint
}

/** The header page and the line of the first entry. */
const startBytes = firstEntryOffset + lineBytes
const leastBytes = 128 // shorter files have no header

export function layoutOf(dataDirectory: string): Layout {
  const head = readHead(dataDirectory)
  const files = listJournal(dataDirectory)
  if (typeof head !== 'object') return layoutWithoutHead(head, files)
  const { common, journalIds } = journalIdsOf(files)
  const isForeign = journalIds.length === 1 && common !== head.journalId
  return isForeign
    ? layoutWithoutHead('HEAD belongs to another journal than all segments', files)
    : layoutByHead(head, files)
}

function layoutByHead(head: HeadRecord, files: NamedFile[]): Layout {
  const oldest = head.oldest.index
  const last = lastIndexOf(head)
  // Files below the oldest are left over from a compaction, and not part of the journal.
  const slots = files
    .filter(({ number }) => number >= oldest)
    .map((file) => slotOf(file, head.journalId, head))
  checkLinks(slots, last)
  const complete = oldest === 0n ? slots : withGaps(slots, oldest, last)
  return {
    journalId: head.journalId,
    slots: complete,
    problems: problemsOf(complete),
    durable: head.durable,
  }
}

/** Version 1, or a damaged or lost head record: the segments must agree with each other. */
function layoutWithoutHead(problem: string | undefined, files: NamedFile[]): Layout {
  const problems: string[] = []
  if (problem !== undefined) problems.push(problem)
  else if (files.some(isVersion2)) {
    problems.push('HEAD is missing: there are segments of version 2')
  }
  const { common } = journalIdsOf(files)
  const slots = files.map((file) => slotOf(file, common, undefined))
  checkLinks(slots, longestIndex)
  const complete = withGaps(slots, files[0]?.number ?? 1n, files.at(-1)?.number ?? 0n)
  problems.push(...problemsOf(complete))
  return { journalId: common, slots: complete, problems, durable: 0n }
}

function startOf(file: NamedFile): Uint8Array {
  return readStart(file.path, startBytes, leastBytes)
}

function firstLineIsZero(start: Uint8Array): boolean {
  return isZero(start, firstEntryOffset, start.length)
}

function isVersion2(file: NamedFile): boolean {
  const header = readHeader(startOf(file), file.name)
  return typeof header === 'object' && header.version >= 2
}

/** All ids, and the most frequent one; of two equally frequent ones, that of the youngest segment. */
function journalIdsOf(files: NamedFile[]): { common: string; journalIds: string[] } {
  const counts = new Map<string, number>()
  for (const file of files.toReversed()) {
    const header = readHeader(startOf(file), file.name)
    if (typeof header === 'object') {
      counts.set(header.journalId, (counts.get(header.journalId) ?? 0) + 1)
    }
  }
  // From the youngest on: an older id must be more frequent to replace a younger one.
  let common = ''
  for (const [id, count] of counts) if (count > (counts.get(common) ?? 0)) common = id
  return { common, journalIds: [...counts.keys()] }
}

function slotOf(file: NamedFile, journalId: string, head: HeadRecord | undefined): Slot {
  const { number, name } = file
  const start = startOf(file)
  const header = readHeader(start, name)
  const misfit = (problem: string): Misfit => ({
    belongs: false,
    number,
    name,
    problem: `${name}: ${problem}`,
  })
  if (typeof header === 'string') return misfit(header)
  if (header.index !== number) {
    return misfit(`it holds segment ${String(header.index)}; the file was renamed or copied`)
  }
  if (header.journalId !== journalId) return misfit('it belongs to another journal')
  const link = readLink(start, header)
  let problem = head === undefined ? '' : misnamed(head, number, header.segmentId, link)
  // A segment one above the last index was made but not yet named: it holds nothing.
  if (head !== undefined && number > lastIndexOf(head) && !firstLineIsZero(start)) {
    problem = 'it holds entries, and the head record does not know it'
  }
  return problem === '' ? { ...file, belongs: true, header, link } : misfit(problem)
}

/** Why a segment is not the one that the head record names at its index; '' if it is. */
function misnamed(head: HeadRecord, index: bigint, id: bigint, link: bigint): string {
  const { oldest, newest, ready, newestLink, otherLink } = head
  const isOther = (named: SegmentName): boolean => named.index === index && named.id !== id
  if ([oldest, newest, ready].some(isOther)) return 'it is not the one that the head record names'
  const mayHave = newest.index === index ? [newestLink, otherLink] : [id]
  if ([newest.index, ready.index].includes(index) && !mayHave.includes(link)) {
    return 'it was written on elsewhere: the head record names another link'
  }
  return ''
}

/**
 * Each segment of version 2 names the link of its predecessor. The younger one is right, since it was checked
 * first. This detects a copy that another writer continued. Nothing names segments above the `last` index.
 */
function checkLinks(slots: Slot[], last: bigint): void {
  for (let i = slots.length - 1; i > 0; i--) {
    const slot = slots[i] as Slot
    const before = slots[i - 1] as Slot
    if (!slot.belongs || !before.belongs || slot.number !== before.number + 1n) continue
    if (slot.number > last || slot.header.version === 1) continue
    if (slot.header.predecessorLink === before.link) continue
    const problem = `${before.name}: it is not the one that ${slot.name} follows`
    slots[i - 1] = { belongs: false, number: before.number, name: before.name, problem }
  }
}

/** Adds a misfit for each run of indices from `first` to `last` without files. */
function withGaps(slots: Slot[], first: bigint, last: bigint): Slot[] {
  const complete: Slot[] = []
  let expected = first
  const missing = (to: bigint): Misfit => {
    const many = expected !== to
    const name = many ? `segments ${String(expected)} to ${String(to)}` : `segment ${String(to)}`
    const problem = `${name} ${many ? 'are' : 'is'} missing`
    return { belongs: false, number: expected, name, problem }
  }
  for (const slot of slots) {
    const to = slot.number > last ? last : slot.number - 1n
    if (expected <= to) complete.push(missing(to))
    complete.push(slot)
    expected = slot.number + 1n
  }
  if (expected <= last) complete.push(missing(last))
  return complete
}

function problemsOf(slots: Slot[]): string[] {
  return slots.flatMap((slot) => (slot.belongs ? [] : [slot.problem]))
}
