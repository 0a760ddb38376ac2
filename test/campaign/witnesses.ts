/**
 * What can't be noticed. An image that opens although entries known to be durable are missing is excused only where
 * this code finds that nothing in it says that there was more:
 *
 * - older-copy: every file is, byte for byte, what it was at one earlier moment;
 * - whole-twin, whole-foreign: the head record and every segment that it names are those of another directory,
 *   so the image is that directory;
 * - no-witness: every mark, entry, head record and snapshot that proves the lost entries is damaged or gone too;
 * - nothing-left: no head record, no segment and no snapshot is there.
 *
 * And a repair that begins with the state of the copy that was written on is excused only under:
 *
 * - snapshot-of-twin: a snapshot of that copy is the only file of it, and our entry at its sequence is not there.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Base, Line } from './base.js'
import { filesOf, kindOf, numberOf, segmentPath, snapshotPath } from './files.js'
import { readHeadSlots, readMarks, readSegment, type Range } from './format.js'

export type Limit =
  'older-copy' | 'whole-twin' | 'whole-foreign' | 'no-witness' | 'nothing-left' | 'snapshot-of-twin'

const segmentHeader = { offset: 0, bytes: 128 }

function bytesOf(directory: string, name: string): Buffer | undefined {
  const file = path.join(directory, name)
  return existsSync(file) ? readFileSync(file) : undefined
}

function countedFiles(directory: string): string[] {
  return filesOf(directory).filter((name) => kindOf(name) !== 'other')
}

function isCopyOf(image: string, other: string): boolean {
  const names = countedFiles(image)
  return (
    names.join() === countedFiles(other).join() &&
    names.every((name) => bytesOf(image, name)?.equals(bytesOf(other, name) ?? Buffer.alloc(0)))
  )
}

/** The head record and every segment that it names are the other directory's. */
export function isJournalOf(image: string, other: string): boolean {
  const head = bytesOf(image, 'HEAD')
  if (!head?.equals(bytesOf(other, 'HEAD') ?? Buffer.alloc(0))) return false
  const [slot] = readHeadSlots(head)
  if (!slot) return false
  for (let index = slot.oldest; index <= Math.max(slot.newest, slot.ready); index++) {
    const bytes = bytesOf(image, segmentPath(index))
    if (!bytes?.equals(bytesOf(other, segmentPath(index)) ?? Buffer.alloc(0))) return false
  }
  return true
}

interface Witness {
  name: string
  text: string
  /** Parts of the file that must be as they were for it to testify; none: the whole file. */
  parts: Range[]
}

/** Everything in a sound directory that proves that entries after `last` were durable. */
function witnessesOf(directory: string, last: number): Witness[] {
  const witnesses: Witness[] = []
  for (const name of countedFiles(directory)) {
    const bytes = readFileSync(path.join(directory, name))
    const found = (text: string, ...parts: Range[]): void => {
      witnesses.push({ name, text: `${name}: ${text}`, parts })
    }
    switch (kindOf(name)) {
      case 'head':
        for (const slot of readHeadSlots(bytes)) {
          if (slot.durable > last)
            found(`slot ${String(slot.counter)} says ${String(slot.durable)}`, slot)
        }
        break
      case 'segment':
        for (const mark of readMarks(bytes)) {
          if (mark.durable > last) found(`a mark says ${String(mark.durable)}`, segmentHeader, mark)
        }
        for (const entry of readSegment(bytes).entries) {
          if (entry.claims <= last) continue
          found(
            `entry ${String(entry.sequence)} says ${String(entry.claims)}`,
            segmentHeader,
            entry,
          )
        }
        break
      case 'snapshot':
        if (numberOf(name) > last) found('a snapshot of later')
        break
      case 'other':
    }
  }
  return witnesses
}

function testifies(image: string, directory: string, { name, parts }: Witness): boolean {
  const now = bytesOf(image, name)
  const then = bytesOf(directory, name)
  if (!now || !then) return false
  if (parts.length === 0) return now.equals(then)
  return parts.every(({ offset, bytes }) =>
    now.subarray(offset, offset + bytes).equals(then.subarray(offset, offset + bytes)),
  )
}

/**
 * Why nothing says that the image, which opened with `line`'s entries up to `last`, once had more; or the first
 * witness that does say it.
 */
export function limitOf(
  image: string,
  base: Base,
  line: Line,
  last: number,
): { limit: Limit } | { witness: string } {
  if (countedFiles(image).length === 0) return { limit: 'nothing-left' }
  if (base.generations.some(({ directory }) => isCopyOf(image, directory))) {
    return { limit: 'older-copy' }
  }
  const witness = witnessesOf(line.directory, last).find((each) =>
    testifies(image, line.directory, each),
  )
  return witness ? { witness: witness.text } : { limit: 'no-witness' }
}

/** Whether the copy's snapshot at `sequence` is all that the image has of the copy, and nothing of ours denies it. */
export function isLoneSnapshotOfTwin(
  image: string,
  { ours, twin }: Base,
  sequence: number,
): boolean {
  const isOnlyIn = (name: string, one: string, other: string): boolean => {
    const bytes = bytesOf(one, name)
    return bytes !== undefined && !bytes.equals(bytesOf(other, name) ?? Buffer.alloc(0))
  }
  const name = snapshotPath(sequence)
  const taken = bytesOf(image, name)
  if (!isOnlyIn(name, twin.directory, ours.directory)) return false
  if (!taken?.equals(bytesOf(twin.directory, name) ?? Buffer.alloc(0))) return false
  const ofTwin = countedFiles(image).filter(
    (each) =>
      kindOf(each) !== 'snapshot' &&
      isOnlyIn(each, twin.directory, ours.directory) &&
      bytesOf(image, each)?.equals(bytesOf(twin.directory, each) ?? Buffer.alloc(0)),
  )
  if (ofTwin.length > 0) return false
  for (const each of countedFiles(ours.directory)) {
    const then = kindOf(each) === 'segment' ? bytesOf(ours.directory, each) : undefined
    const entry = then && readSegment(then).entries.find((place) => place.sequence === sequence)
    if (!entry) continue
    const witness = { name: each, text: '', parts: [segmentHeader, entry] }
    if (testifies(image, ours.directory, witness)) return false
  }
  return true
}
