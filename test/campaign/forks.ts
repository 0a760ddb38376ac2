/**
 * Parts of the continued copy that a repair can't distinguish from ours:
 *
 * - snapshot-of-twin: a snapshot of the copy is its only file, and our entry at its sequence is missing;
 * - run-of-twin: adjacent segments of the copy continue each other, and only the last one meets one of ours.
 *   Ours names a different link, but an older version of our own segment looks the same, and then the run
 *   before it would be ours.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { JournalEntry } from '../../lib/index.js'
import type { Base } from './base.js'
import { kindOf, segmentPath, snapshotPath } from './files.js'
import { readSegment } from './format.js'
import { difference } from './history.js'
import { bytesOf, countedFiles, isSegment, segmentHeader, testifies } from './witnesses.js'

/** The image has the copy's version of the file, which differs from ours. */
function isOfTwin(image: string, { ours, twin }: Base, name: string): boolean {
  const bytes = bytesOf(image, name)
  if (!bytes) return false
  const isIn = (directory: string): boolean => {
    const theirs = bytesOf(directory, name)
    return (
      theirs !== undefined &&
      (kindOf(name) === 'segment' ? isSegment(bytes, theirs) : bytes.equals(theirs))
    )
  }
  return isIn(twin.directory) && !isIn(ours.directory)
}

/**
 * Whether the snapshot at `sequence` is all that the image has of the copy, and nothing of ours contradicts
 * it.
 */
export function isLoneSnapshotOfTwin(image: string, base: Base, sequence: number): boolean {
  if (!isOfTwin(image, base, snapshotPath(sequence))) return false
  const names = countedFiles(image).filter((name) => kindOf(name) !== 'snapshot')
  if (names.some((name) => isOfTwin(image, base, name))) return false
  const { directory } = base.ours
  return !countedFiles(directory)
    .filter((name) => kindOf(name) === 'segment')
    .some((name) => {
      const { entries } = readSegment(readFileSync(path.join(directory, name)))
      const entry = entries.find((place) => place.sequence === sequence)
      return entry && testifies(image, directory, { name, text: '', parts: [segmentHeader, entry] })
    })
}

/** Whether every kept entry of the copy is in such a run, before its last segment. */
export function comesFromRunOfTwin(
  image: string,
  base: Base,
  entries: readonly JournalEntry[],
): boolean {
  const strangers = entries.filter(
    (entry) =>
      entry.type !== 'hole' &&
      difference(entry, base.ours.history.entries[entry.sequence - 1]) !== '',
  )
  const isKeptOfTwin = (entry: JournalEntry): boolean =>
    difference(entry, base.twin.history.entries[entry.sequence - 1]) === ''
  if (strangers.length === 0 || !strangers.every(isKeptOfTwin)) return false
  const excused = new Set<number>()
  for (const name of countedFiles(base.twin.directory)) {
    if (kindOf(name) !== 'segment' || !isOfTwin(image, base, name)) continue
    const { index, entries: places } = readSegment(
      readFileSync(path.join(base.twin.directory, name)),
    )
    if (!leadsToOurs(image, base, index)) continue
    for (const { sequence } of places) excused.add(sequence)
  }
  return strangers.every(({ sequence }) => excused.has(sequence))
}

/** From this segment on at least two of the copy's segments follow each other, and then comes one of ours. */
function leadsToOurs(image: string, base: Base, first: number): boolean {
  let index = first
  while (isOfTwin(image, base, segmentPath(index))) index++
  const next = bytesOf(image, segmentPath(index))
  const ours = bytesOf(base.ours.directory, segmentPath(index))
  return index - first >= 2 && next !== undefined && ours !== undefined && isSegment(next, ours)
}
