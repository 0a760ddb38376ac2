/**
 * Losses that can't be noticed. An image that opens without entries known to be durable is excused only if
 * this code finds no evidence in it that there was more:
 *
 * - older-copy: every file is, byte for byte, what it was at one earlier moment;
 * - whole-twin, whole-foreign: the head record and every segment that it names are those of another
 *   directory, so the image is that directory;
 * - no-witness: every mark, entry, head record and snapshot that proves the lost entries is damaged or gone
 *   too;
 * - nothing-left: no head record, no segment and no snapshot exists.
 *
 * Other files find these limits:
 *
 * - covered-by-snapshot: see check-strict.ts;
 * - snapshot-of-twin, run-of-twin: see forks.ts.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Base, Line } from './base.js'
import { filesOf, kindOf, numberOf, segmentPath } from './files.js'
import {
  linkMarkOffsets,
  markBytes,
  readHeadSlots,
  readMarks,
  readSegment,
  type Range,
} from './format.js'

export type Limit =
  | 'older-copy'
  | 'whole-twin'
  | 'whole-foreign'
  | 'no-witness'
  | 'nothing-left'
  | 'covered-by-snapshot'
  | 'snapshot-of-twin'
  | 'run-of-twin'

export const segmentHeader = { offset: 0, bytes: 128 }

export function bytesOf(directory: string, name: string): Buffer | undefined {
  const file = path.join(directory, name)
  return existsSync(file) ? readFileSync(file) : undefined
}

export function countedFiles(directory: string): string[] {
  return filesOf(directory).filter((name) => kindOf(name) !== 'other')
}

function isCopyOf(image: string, other: string): boolean {
  const names = countedFiles(image)
  return (
    names.join() === countedFiles(other).join() &&
    names.every((name) => bytesOf(image, name)?.equals(bytesOf(other, name) ?? Buffer.alloc(0)))
  )
}

/**
 * The head record and every segment that it names are the other directory's, whatever happened to their
 * entries.
 */
export function isJournalOf(image: string, other: string): boolean {
  const head = bytesOf(image, 'HEAD')
  const otherHead = bytesOf(other, 'HEAD')
  const [slot] = head ? readHeadSlots(head) : []
  if (!head || !otherHead || !slot) return false
  if (!isSame(head, otherHead, slot)) return false
  for (let index = slot.oldest; index <= Math.max(slot.newest, slot.ready); index++) {
    const bytes = bytesOf(image, segmentPath(index))
    const theirs = bytesOf(other, segmentPath(index))
    if (!bytes || !theirs || !isSegment(bytes, theirs)) return false
  }
  return true
}

/** The fields that identify a file's segment and copy. */
const identity: readonly Range[] = [
  segmentHeader,
  ...linkMarkOffsets.map((offset) => ({ offset, bytes: markBytes })),
]

/** The same segment, continued by the same copy. */
export function isSegment(one: Buffer, other: Buffer): boolean {
  return identity.every((part) => isSame(one, other, part))
}

function isSame(one: Buffer, other: Buffer, { offset, bytes }: Range): boolean {
  return one.subarray(offset, offset + bytes).equals(other.subarray(offset, offset + bytes))
}

interface Witness {
  name: string
  text: string
  /** Parts of the file that must be unchanged for it to testify; none: the whole file. */
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

export function testifies(image: string, directory: string, { name, parts }: Witness): boolean {
  const now = bytesOf(image, name)
  const then = bytesOf(directory, name)
  if (!now || !then) return false
  if (parts.length === 0) return now.equals(then)
  return parts.every((part) => isSame(now, then, part))
}

/**
 * Why nothing shows that the image, which opened with `line`'s entries up to `last`, once had more; or the
 * first witness that does show it.
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
