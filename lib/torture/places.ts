/**
 * The place of every entry in the files of a sound journal at rest, from the bytes alone (docs/format.md):
 * the judge must know which entries a damage takes without asking the reader that it judges.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The part of a segment's first page that a reader must have. */
export const headerBytes = 128
export const firstEntryOffset = 4096
const lineBytes = 64
const overheadBytes = 32
const flagsOffset = 7
const writtenFlag = 0x80
const continuesFlag = 0x04

export interface EntryPlace {
  sequence: number
  /** The first entry of the transaction that it is part of; its own sequence if it is part of none. */
  transaction: number
  offset: number
  bytes: number
}

export interface SegmentPlaces {
  /** Name of the file. */
  name: string
  /** Size of the file. */
  bytes: number
  entries: EntryPlace[]
  /** Just after the last entry. */
  end: number
}

export function journalOf(dataDirectory: string): string {
  return path.join(dataDirectory, 'journal')
}

export function segmentNames(dataDirectory: string): string[] {
  return readdirSync(journalOf(dataDirectory))
    .filter((name) => name.endsWith('.segment'))
    .sort()
}

export function placesOf(dataDirectory: string): SegmentPlaces[] {
  return segmentNames(dataDirectory).map((name) => {
    const segment = readFileSync(path.join(journalOf(dataDirectory), name))
    const entries: EntryPlace[] = []
    let end = firstEntryOffset
    while (end + lineBytes <= segment.length) {
      const flags = segment.readUInt8(end + flagsOffset)
      if ((flags & writtenFlag) === 0) break
      const lines = Math.ceil((segment.readUInt32LE(end) + overheadBytes) / lineBytes)
      const sequence = Number(segment.readBigUInt64LE(end + 8))
      const continued = (flags & continuesFlag) === 0 ? undefined : entries.at(-1)?.transaction
      const transaction = continued ?? sequence
      entries.push({ sequence, transaction, offset: end, bytes: lines * lineBytes })
      end += lines * lineBytes
    }
    return { name, bytes: segment.length, entries, end }
  })
}

/** Sequences of the snapshots, by their names. */
export function snapshotSequences(dataDirectory: string): number[] {
  let names: string[]
  try {
    names = readdirSync(path.join(dataDirectory, 'snapshots'))
  } catch {
    return [] // none was ever taken
  }
  return names
    .filter((name) => name.endsWith('.snapshot'))
    .map((name) => Number(path.parse(name).name))
    .sort((a, b) => a - b)
}
