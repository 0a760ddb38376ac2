/**
 * The files of one product, kind and day: `2026-11-23.parquet`, merged, and `2026-11-23.0001.parquet` and so
 * on. A merged file's footer names the highest part number that it replaces. So a part that a crash left
 * beside it is ignored, and part numbers are never reused.
 */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import {
  HistoryFile,
  syncPath,
  temporarySuffix,
  writeHistoryFile,
  type HistoryKind,
} from './history-file.js'
import { corruptFile, type HistoryGap, type HistoryProduct, type Tick } from './tick.js'

const namePattern = /^(\d{4}-\d\d-\d\d)(?:\.(\d{4,9}))?\.parquet$/

/** Part numbers by day, ascending; 0 is the merged file. */
export async function daysIn(directory: string): Promise<Map<string, number[]>> {
  const days = new Map<string, number[]>()
  for (const name of await namesIn(directory)) {
    if (name.endsWith(temporarySuffix)) continue
    const match = namePattern.exec(name)
    const day = match?.[1]
    if (day === undefined || Number.isNaN(Date.parse(day))) {
      throw corruptFile(path.join(directory, name), 'its name is not that of a day')
    }
    const parts = days.get(day) ?? []
    parts.push(Number(match?.[2] ?? 0))
    days.set(
      day,
      parts.sort((left, right) => left - right),
    )
  }
  return new Map([...days].sort(([left], [right]) => (left < right ? -1 : 1)))
}

export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function partFile(directory: string, day: string, part: number): string {
  const number = part === 0 ? '' : `.${String(part).padStart(4, '0')}`
  return path.join(directory, `${day}${number}.parquet`)
}

/** Opens the files that count, merged first. Retries if they were merged meanwhile. */
export async function openDay(
  directory: string,
  kind: HistoryKind,
  day: string,
): Promise<{ files: HistoryFile[]; superseded: string[]; lastPart: number }> {
  for (let attempt = 1; ; attempt++) {
    const parts = (await daysIn(directory)).get(day) ?? []
    const files: HistoryFile[] = []
    const superseded: string[] = []
    let through = 0
    try {
      for (const part of parts) {
        const name = partFile(directory, day, part)
        if (part !== 0 && part <= through) {
          superseded.push(name)
          continue
        }
        const file = await HistoryFile.open(name, kind)
        files.push(file)
        if (part === 0) through = file.facts.replacesThrough
      }
      return { files, superseded, lastPart: Math.max(through, parts.at(-1) ?? 0) }
    } catch (error) {
      await Promise.all(files.map((file) => file.close()))
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!gone || attempt === 10) throw error
    }
  }
}

/** Merges a day into one file. A kill at any point is safe: see the top. */
export async function mergeDay(
  directory: string,
  kind: HistoryKind,
  day: string,
  product: HistoryProduct,
): Promise<void> {
  const { files, superseded, lastPart } = await openDay(directory, kind, day)
  const obsolete = [...superseded]
  try {
    const [first] = files
    const last = files.at(-1)
    if (
      first !== undefined &&
      last !== undefined &&
      (files.length > 1 || lastPart > first.facts.replacesThrough)
    ) {
      const facts = {
        product,
        firstSequence: first.facts.firstSequence,
        lastSequence: last.facts.lastSequence,
        replacesThrough: lastPart,
      }
      await writeHistoryFile(partFile(directory, day, 0), kind, facts, rowsOf(files))
      obsolete.push(...files.map(({ file }) => file))
    }
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
  const merged = partFile(directory, day, 0)
  const unneeded = obsolete.filter((file) => file !== merged)
  for (const file of unneeded) await rm(file, { force: true })
  if (unneeded.length > 0) await syncPath(directory)
}

async function* rowsOf(files: readonly HistoryFile[]): AsyncGenerator<(Tick | HistoryGap)[]> {
  for (const file of files) {
    yield* file.batches()
  }
}
