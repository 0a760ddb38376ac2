/**
 * Damages a data directory at rest in one place, and says which entries that takes: a bit is flipped, a
 * file is cut, removed, or replaced by one of another directory. What is known to be lost comes from the
 * places of the entries (places.ts), from no reader.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import type { Random } from '../order-flow/random.js'
import {
  firstEntryOffset,
  headerBytes,
  journalOf,
  placesOf,
  segmentNames,
  snapshotSequences,
  type EntryPlace,
  type SegmentPlaces,
} from './places.js'
import { rangesOf, rangesText, type Range } from './ranges.js'
import { pick } from './writer-plan.js'

/**
 * `foreign`: a segment of another journal. `fork`: segments of a copy of this directory that was written
 * on by itself.
 */
export const damageKinds = ['flip', 'cut', 'remove', 'foreign', 'fork'] as const
export type DamageKind = (typeof damageKinds)[number]

export interface Damage {
  kind: DamageKind
  /** What was done, in words. */
  what: string
  /** Files of the journal that it changed or added. */
  files: string[]
  /**
   * Entries that a repair may lose: their bytes are changed or gone, or in a file whose first page, which
   * says what the file is, is damaged, or in one that does not belong.
   */
  lost: Range[]
  /** The first entry that the journal held before; 0: none. */
  firstSequence: number
  /** Sequence of the newest snapshot; 0: none. */
  snapshot: number
}

/** Makes the directory that a file is taken from; only asked if it is needed. */
export interface Donors {
  foreign: () => Promise<string>
  fork: () => Promise<string>
}

interface Done {
  what: string
  files: string[]
  lost: number[]
}

export async function damageDirectory(
  dataDirectory: string,
  kind: DamageKind,
  random: Random,
  donors: Donors,
): Promise<Damage> {
  const places = placesOf(dataDirectory)
  const done = await damageBy(dataDirectory, kind, places, random, donors)
  const lost = rangesOf(done.lost.sort((a, b) => a - b))
  return {
    kind,
    what: `${done.what}; entries lost: ${rangesText(lost)}`,
    files: done.files,
    lost,
    firstSequence: places.find(({ entries }) => entries.length > 0)?.entries[0]?.sequence ?? 0,
    snapshot: snapshotSequences(dataDirectory).at(-1) ?? 0,
  }
}

function damageBy(
  dataDirectory: string,
  kind: DamageKind,
  places: readonly SegmentPlaces[],
  random: Random,
  donors: Donors,
): Done | Promise<Done> {
  const written = places.filter(({ entries }) => entries.length > 0)
  const segment = pick(random, written.length > 0 ? written : places)
  switch (kind) {
    case 'flip':
      return flip(dataDirectory, segment, drawOffset(segment, random), random.below(8))
    case 'cut':
      return cut(dataDirectory, segment, random.below(segment.end))
    case 'remove':
      return remove(dataDirectory, pick(random, places))
    case 'foreign':
      return donors
        .foreign()
        .then((donor) => replaceByForeign(dataDirectory, donor, places, random))
    case 'fork':
      return donors.fork().then((donor) => mixWithFork(dataDirectory, donor, places, random))
  }
}

/** In the entries, mostly. */
function drawOffset({ end }: SegmentPlaces, random: Random): number {
  const draw = random.below(10)
  if (draw === 0) return random.below(headerBytes)
  if (draw === 1) return random.below(firstEntryOffset)
  return firstEntryOffset + random.below(Math.max(1, end - firstEntryOffset))
}

export function flip(
  dataDirectory: string,
  segment: SegmentPlaces,
  offset: number,
  bit: number,
): Done {
  const file = path.join(journalOf(dataDirectory), segment.name)
  const descriptor = openSync(file, 'r+')
  const byte = new Uint8Array(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] = (byte[0] ?? 0) ^ (1 << bit)
  writeSync(descriptor, byte, 0, 1, offset)
  closeSync(descriptor)
  const hit = segment.entries.filter(
    (entry) =>
      offset < firstEntryOffset || (entry.offset <= offset && offset < entry.offset + entry.bytes),
  )
  return {
    what: `bit ${String(bit)} of byte ${String(offset)} of ${segment.name} is flipped`,
    files: [segment.name],
    lost: takenWith(hit, segment),
  }
}

/** A transaction goes as a whole. */
function takenWith(hit: readonly EntryPlace[], { entries }: SegmentPlaces): number[] {
  const transactions = new Set(hit.map(({ transaction }) => transaction))
  return entries
    .filter(({ transaction }) => transactions.has(transaction))
    .map(({ sequence }) => sequence)
}

export function cut(dataDirectory: string, segment: SegmentPlaces, bytes: number): Done {
  truncateSync(path.join(journalOf(dataDirectory), segment.name), bytes)
  const hit = segment.entries.filter((entry) => entry.offset + entry.bytes > bytes)
  return {
    what: `${segment.name} is cut to ${String(bytes)} bytes`,
    files: [segment.name],
    lost: takenWith(hit, segment),
  }
}

export function remove(dataDirectory: string, segment: SegmentPlaces): Done {
  rmSync(path.join(journalOf(dataDirectory), segment.name))
  return {
    what: `${segment.name} is removed`,
    files: [],
    lost: segment.entries.map(({ sequence }) => sequence),
  }
}

/** In the place of one of ours, or after the last. */
function replaceByForeign(
  dataDirectory: string,
  donor: string,
  places: readonly SegmentPlaces[],
  random: Random,
): Done {
  const from = pick(random, segmentNames(donor))
  const next = nameAfter(places.at(-1)?.name ?? '')
  const victim = random.below(4) === 0 ? undefined : pick(random, places)
  const name = victim?.name ?? next
  copySegment(donor, from, dataDirectory, name)
  return {
    what: `${name} is a segment of another journal`,
    files: [name],
    lost: victim?.entries.map(({ sequence }) => sequence) ?? [],
  }
}

/** Some of the segments in which the fork differs from the directory; at least one. */
function mixWithFork(
  dataDirectory: string,
  donor: string,
  places: readonly SegmentPlaces[],
  random: Random,
): Done {
  const names = segmentNames(donor).filter((name) => differs(donor, dataDirectory, name))
  const sure = pick(random, names)
  const taken = names.filter((name) => name === sure || random.below(2) === 0)
  const lost = places.filter(({ name }) => taken.includes(name)).flatMap(({ entries }) => entries)
  for (const name of taken) copySegment(donor, name, dataDirectory, name)
  return {
    what: `${taken.join(', ')} of a copy that was written on`,
    files: taken,
    lost: lost.map(({ sequence }) => sequence),
  }
}

function copySegment(from: string, fromName: string, to: string, toName: string): void {
  copyFileSync(path.join(journalOf(from), fromName), path.join(journalOf(to), toName))
}

function differs(one: string, other: string, name: string): boolean {
  const otherFile = path.join(journalOf(other), name)
  if (!existsSync(otherFile)) return true
  return !readFileSync(path.join(journalOf(one), name)).equals(readFileSync(otherFile))
}

function nameAfter(name: string): string {
  return `${String(Number(path.parse(name).name) + 1).padStart(20, '0')}.segment`
}
