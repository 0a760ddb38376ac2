/**
 * A whole journal directory: entries in order, and the judgement of its tail. Follows docs/format.md and
 * docs/recovery.md; shares no code with the native reader, so that one can be held against the other.
 * A shape that can't be told from rot without looking at single bits counts as torn here only where it is
 * above everything known durable.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import {
  firstEntryOffset,
  isZero,
  lineBytes,
  readEntry,
  readHeader,
  readMarks,
  type PureEntry,
  type SegmentHeader,
} from './segment.js'

export type Verdict = 'clean' | 'torn' | 'corrupt'

export interface PureJournal {
  journalId: string
  segments: number
  entries: number
  firstSequence: bigint
  lastSequence: bigint
  knownDurable: bigint
  verdict: Verdict
  /** One sentence for each thing that is wrong; empty where clean. */
  problems: string[]
}

interface Segment {
  name: string
  bytes: Uint8Array
  header: SegmentHeader | string
}

/**
 * Reads the journal under `dataDirectory`, handing each good entry to `visit` in order. A journal without
 * any entry goes on with `nextIfEmpty`.
 */
export function readJournal(
  dataDirectory: string,
  visit: (entry: PureEntry) => void = () => undefined,
  nextIfEmpty = 1n,
): PureJournal {
  const directory = path.join(dataDirectory, 'journal')
  const names = readdirSync(directory)
    .filter((name) => /^\d{20}\.segment$/.test(name))
    .sort()
  const result: PureJournal = {
    journalId: '',
    segments: names.length,
    entries: 0,
    firstSequence: 0n,
    lastSequence: 0n,
    knownDurable: 0n,
    verdict: 'clean',
    problems: [],
  }
  let expected: bigint | undefined
  let before: bigint | undefined
  for (const [position, name] of names.entries()) {
    const segment = load(directory, name)
    if (typeof segment.header === 'string') {
      return corrupt(result, `${name}: ${segment.header}`)
    }
    const { header } = segment
    if (before !== undefined && header.index !== before + 1n) {
      return corrupt(result, `segment ${String(before + 1n)} is missing`)
    }
    if (header.index !== BigInt(name.slice(0, 20))) {
      return corrupt(result, `${name} holds segment ${String(header.index)}`)
    }
    if (result.journalId !== '' && header.journalId !== result.journalId) {
      return corrupt(result, `${name} belongs to another journal`)
    }
    before = header.index
    result.journalId = header.journalId
    claim(result, readMarks(segment.bytes, header))

    let offset = firstEntryOffset
    for (;;) {
      const entry = readEntry(segment.bytes, header, offset)
      if (entry === undefined) break
      if (expected !== undefined && entry.sequence !== expected) {
        return corrupt(
          result,
          `${name} at ${String(offset)}: entry ${String(entry.sequence)} instead of ${String(expected)}`,
        )
      }
      claim(result, entry.durable)
      if (result.entries === 0) result.firstSequence = entry.sequence
      visit(entry)
      result.entries++
      result.lastSequence = entry.sequence
      expected = entry.sequence + 1n
      offset += entry.bytes
    }
    if (goesOn(directory, names[position + 1], expected)) continue
    return judge(result, directory, names.slice(position), segment, offset, expected ?? nextIfEmpty)
  }
  return result
}

function load(directory: string, name: string): Segment {
  const bytes = readFileSync(path.join(directory, name))
  const header = readHeader(bytes)
  if (typeof header === 'string') return { name, bytes, header }
  if (bytes.length >= header.bytes) return { name, bytes: bytes.subarray(0, header.bytes), header }
  const whole = new Uint8Array(header.bytes) // what was cut off reads as zeros
  whole.set(bytes)
  return { name, bytes: whole, header }
}

/** Whether the next segment opens with the entry that is expected. */
function goesOn(
  directory: string,
  name: string | undefined,
  expected: bigint | undefined,
): boolean {
  if (name === undefined) return false
  const next = load(directory, name)
  if (typeof next.header === 'string') return false
  const entry = readEntry(next.bytes, next.header, firstEntryOffset)
  return entry !== undefined && (expected === undefined || entry.sequence === expected)
}

/** The decision table of docs/recovery.md for the place where the good entries stop. */
function judge(
  result: PureJournal,
  directory: string,
  names: string[],
  stop: Segment,
  offset: number,
  expected: bigint,
): PureJournal {
  const header = stop.header as SegmentHeader
  const damaged = isDamaged(stop.bytes, offset)
  let bytesFollow = !isZero(stop.bytes, offset, Math.min(offset + lineBytes, stop.bytes.length))
  for (const [index, name] of names.entries()) {
    const segment = index === 0 ? stop : load(directory, name)
    if (typeof segment.header === 'string') return corrupt(result, `${name}: ${segment.header}`)
    claim(result, readMarks(segment.bytes, segment.header))
    for (let at = index === 0 ? offset : firstEntryOffset; at < segment.bytes.length;) {
      const entry = readEntry(segment.bytes, index === 0 ? header : segment.header, at)
      if (entry !== undefined) claim(result, entry.durable)
      if (!isZero(segment.bytes, at, at + lineBytes)) bytesFollow = true
      at += entry?.bytes ?? lineBytes
    }
  }
  const place = `${stop.name} at ${String(offset)}`
  if (expected <= result.knownDurable) {
    return corrupt(result, `${place}: entry ${String(expected)} was durable and does not verify`)
  }
  if (damaged) return corrupt(result, `${place}: entry ${String(expected)} was changed`)
  if (bytesFollow) {
    result.verdict = 'torn'
    result.problems.push(`${place}: entry ${String(expected)} was still being written`)
  }
  return result
}

/** All of an entry is there, without zeros at an edge of a sector's share, and yet it does not verify. */
function isDamaged(segment: Uint8Array, offset: number): boolean {
  if (offset + lineBytes > segment.length) return false
  if (isZero(segment, offset, offset + 8) || isZero(segment, offset + 8, offset + lineBytes)) {
    return false
  }
  const payloadBytes = new DataView(segment.buffer, segment.byteOffset + offset).getUint32(0, true)
  const end = offset + Math.ceil((payloadBytes + 32) / lineBytes) * lineBytes
  if (end > segment.length) return true
  for (let at = offset; at < end;) {
    const edge = Math.min((Math.floor(at / 512) + 1) * 512, end)
    if ((segment[at] === 0 && at !== offset) || segment[edge - 1] === 0) return false
    at = edge
  }
  return true
}

function claim(result: PureJournal, durable: bigint): void {
  if (durable > result.knownDurable) result.knownDurable = durable
}

function corrupt(result: PureJournal, problem: string): PureJournal {
  result.verdict = 'corrupt'
  result.problems.push(problem)
  return result
}
