/** Data directories as files: copied, listed and compared. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The files of a directory by their paths below it, without the lock file. */
export function filesOf(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'LOCK' && statSync(path.join(directory, name)).isFile())
    .sort()
}

export function copyDirectory(from: string, to: string): void {
  for (const part of ['journal', 'snapshots']) {
    if (existsSync(path.join(from, part))) mkdirSync(path.join(to, part), { recursive: true })
  }
  for (const name of filesOf(from)) {
    const target = path.join(to, name)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, readFileSync(path.join(from, name)))
  }
}

/** Content by path, in a form that is cheap to compare. */
export function fingerprint(directory: string): Map<string, string> {
  const prints = new Map<string, string>()
  for (const name of filesOf(directory)) {
    prints.set(name, digest(readFileSync(path.join(directory, name))))
  }
  return prints
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex')
}

/** The paths at which two directories differ. */
export function changedPaths(before: Map<string, string>, after: Map<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort()
}

const segmentName = /^(\d{20})\.segment$/
const snapshotName = /^(\d{20})\.snapshot$/

export function segmentPath(index: number): string {
  return `journal/${String(index).padStart(20, '0')}.segment`
}

export function snapshotPath(sequence: number): string {
  return `snapshots/${String(sequence).padStart(20, '0')}.snapshot`
}

/** The kind of a file in a data directory, by its path below it. */
export type FileKind = 'segment' | 'snapshot' | 'head' | 'other'

export function kindOf(name: string): FileKind {
  if (name === 'HEAD') return 'head'
  const [directory, file = ''] = name.split('/')
  if (directory === 'journal' && segmentName.test(file)) return 'segment'
  if (directory === 'snapshots' && snapshotName.test(file)) return 'snapshot'
  return 'other'
}

/** The number in the name of a segment or a snapshot. */
export function numberOf(name: string): number {
  return Number(/\d{20}/.exec(name)?.[0] ?? 0)
}
