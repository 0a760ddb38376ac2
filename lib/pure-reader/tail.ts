/** Judges the place at which the good entries stop: "Clean, torn or corrupt" of docs/recovery.md. */
import type { Belonging, Slot } from './layout.js'
import { firstEntryOffset, isZero, lineBytes, readEntry, readMarks } from './segment.js'
import { load } from './segment-bytes.js'
import type { Shape } from './shape.js'

export type Verdict = 'clean' | 'torn' | 'corrupt'

/** The place at which the good entries stop. */
export interface Stop {
  /** Index of the slot. */
  slot: number
  offset: number
  /** The segment's bytes. Undefined: the slot is a misfit. */
  bytes: Uint8Array | undefined
  shape: Shape
  /** What is wrong with the valid entry at the place; '': there is none. */
  wrongEntry: string
  /** The valid entry at the place is not the one that the snapshot was taken at. */
  notTheBase: boolean
  /** Set if the valid entry at the place begins an incomplete transaction. */
  broken: Broken | undefined
}

export interface Broken {
  /** Sequence of the entry at which the transaction breaks; the stop's shape is that of its place. */
  sequence: bigint
  /** By an entry that verifies. */
  isContradicted: boolean
}

export interface Evidence {
  /** The expected sequence at the stop, or an earlier one if the run broke before the stop. */
  expected: bigint
  /** The highest durable sequence that any part of the journal names. */
  knownDurable: bigint
  bytesFollow: boolean
  /** A valid entry follows that belongs before the stop. */
  olderFollows: boolean
}

/** Gathers the evidence in all bytes from the stop on. */
export function lookPast(
  slots: readonly Slot[],
  stop: Stop,
  expected: bigint,
  knownDurable: bigint,
): Evidence {
  const evidence: Evidence = { expected, knownDurable, bytesFollow: false, olderFollows: false }
  for (const [i, slot] of slots.entries()) {
    if (i < stop.slot || !slot.belongs) continue
    if (i === stop.slot && stop.bytes !== undefined) {
      lookThrough(slot, stop.bytes, stop.offset, stop, evidence)
      continue
    }
    const bytes = load(slot)
    claim(evidence, readMarks(bytes, slot.header))
    lookThrough(slot, bytes, firstEntryOffset, undefined, evidence)
  }
  return evidence
}

/** Looks at the lines from `begin` on. `stop`: its offset in this segment. */
function lookThrough(
  slot: Belonging,
  bytes: Uint8Array,
  begin: number,
  stop: Stop | undefined,
  evidence: Evidence,
): void {
  for (let at = begin; at < bytes.length;) {
    const entry = readEntry(bytes, slot.header, at)
    evidence.bytesFollow ||= !isZero(bytes, at, at + lineBytes)
    at += entry?.bytes ?? lineBytes
    if (entry === undefined) continue
    claim(evidence, entry.durable)
    const isAtStop = stop !== undefined && entry.offset === stop.offset
    if (isAtStop || stop?.wrongEntry || entry.sequence > evidence.expected) continue
    evidence.olderFollows = true
    evidence.expected = entry.sequence > 1n ? entry.sequence - 1n : 1n
  }
}

function claim(evidence: Evidence, durable: bigint): void {
  if (durable > evidence.knownDurable) evidence.knownDurable = durable
}

/** The decision table. The stop is in a segment that belongs. */
export function judge(stop: Stop, evidence: Evidence): { verdict: Verdict; what: string } {
  const entry = `entry ${String(evidence.expected)}`
  if (stop.notTheBase) {
    return { verdict: 'corrupt', what: `${entry} is not the one that the snapshot was taken at` }
  }
  if (evidence.expected <= evidence.knownDurable) {
    const upTo = String(evidence.knownDurable)
    return {
      verdict: 'corrupt',
      what: `${entry} was durable (up to ${upTo} was) and is not what was written`,
    }
  }
  if (evidence.olderFollows) {
    return { verdict: 'corrupt', what: `${entry} is damaged, but an earlier one follows` }
  }
  if (stop.wrongEntry !== '') return { verdict: 'corrupt', what: stop.wrongEntry }
  const place = `entry ${String(stop.broken?.sequence ?? evidence.expected)}`
  const transaction = `the transaction that begins with ${entry}`
  if (stop.broken?.isContradicted === true) {
    return {
      verdict: 'corrupt',
      what: `${transaction} is contradicted by ${place}`,
    }
  }
  if (stop.shape === 'damaged') {
    return { verdict: 'corrupt', what: `${place} was changed after it was written` }
  }
  if (stop.shape === 'torn') return { verdict: 'torn', what: `${place} was still being written` }
  if (stop.broken !== undefined) {
    return { verdict: 'torn', what: `${transaction} did not arrive from ${place} on` }
  }
  if (evidence.bytesFollow) {
    return { verdict: 'torn', what: `${entry} did not arrive, but later bytes did` }
  }
  return { verdict: 'clean', what: '' }
}
