/** Whole files: missing, copied over another, renamed. The files themselves remain sound. */
import { numberOf, segmentPath, snapshotPath } from '../files.js'
import type { Damage, Target } from './target.js'

function remove(target: Target, names: readonly string[]): boolean {
  for (const name of names) target.remove(name)
  target.note(`removed: ${names.join(', ')}`)
  return names.length > 0
}

function some(target: Target, names: readonly string[]): string[] {
  return names.filter(() => target.random.below(2) === 0)
}

export const missingSegment: Damage = (target) => {
  const name = target.pickSegment()
  return name !== undefined && remove(target, [name])
}

export const missingSegments: Damage = (target) =>
  remove(target, some(target, target.files('segment')))

export const missingAllSegments: Damage = (target) => remove(target, target.files('segment'))

export const missingHead: Damage = (target) => remove(target, target.files('head'))

export const missingSnapshots: Damage = (target) => {
  const names = target.files('snapshot')
  const chosen = target.random.below(3) === 0 ? names : some(target, names)
  return remove(target, chosen)
}

export const missingEverything: Damage = (target) =>
  remove(
    target,
    target.allFiles().filter(() => target.random.below(5) > 0),
  )

/** An index that is free, or that another segment has. */
function otherIndex(target: Target, name: string): number {
  const numbers = target.files('segment').map(numberOf)
  const taken = numbers.filter((number) => number !== numberOf(name))
  const free = [Math.max(...numbers) + 1, Math.max(...numbers) + 1 + target.random.below(5)]
  const below = Math.min(...numbers) - 1
  if (below > 0) free.push(below)
  return target.pick([...taken, ...free]) ?? 1
}

export const duplicateSegment: Damage = (target) => {
  const name = target.pickSegment()
  if (name === undefined) return false
  const copy = segmentPath(otherIndex(target, name))
  target.note(`${name} copied to ${copy}`)
  target.write(copy, target.read(name))
  return true
}

export const renamedSegment: Damage = (target) => {
  const name = target.pickSegment()
  if (name === undefined) return false
  const other = segmentPath(otherIndex(target, name))
  const bytes = target.read(name)
  const swapped =
    target.exists(other) && target.random.below(2) === 0 ? target.read(other) : undefined
  target.note(`${name} renamed to ${other}${swapped ? ' and the other way round' : ''}`)
  target.remove(name)
  target.write(other, bytes)
  if (swapped) target.write(name, swapped)
  return true
}

function otherSequence(target: Target, name: string): number {
  const { entries } = target.base.ours.history
  const others = target.files('snapshot').map(numberOf)
  const sequence = numberOf(name)
  const near = [1 + target.random.below(entries.length), sequence + 1, entries.length + 1]
  return target.pick([...others.filter((other) => other !== sequence), ...near]) ?? 1
}

export const duplicateSnapshot: Damage = (target) => {
  const name = target.pick(target.files('snapshot'))
  if (name === undefined) return false
  const copy = snapshotPath(otherSequence(target, name))
  target.note(`${name} copied to ${copy}`)
  target.write(copy, target.read(name))
  return copy !== name
}

export const renamedSnapshot: Damage = (target) => {
  const name = target.pick(target.files('snapshot'))
  if (name === undefined) return false
  const other = snapshotPath(otherSequence(target, name))
  const bytes = target.read(name)
  target.note(`${name} renamed to ${other}`)
  target.remove(name)
  target.write(other, bytes)
  return other !== name
}

/** Files that are not part of the journal; nothing may depend on them. */
export const strayFiles: Damage = (target) => {
  const segment = target.pickSegment()
  const names = [
    'HEAD.tmp',
    'README',
    'journal/00000000000000000099.spare',
    'journal/00000000000000000098.spare.tmp',
    'journal/1.segment',
    'journal/00000000000000000000.segment',
    'snapshots/00000000000000000001.snapshot.tmp',
    'snapshots/notes.txt',
  ]
  const chosen = some(target, names)
  for (const name of chosen) {
    const bytes =
      segment !== undefined && target.random.below(2) === 0
        ? target.read(segment)
        : Buffer.from('stray')
    target.write(name, bytes)
  }
  target.note(`added: ${chosen.join(', ')}`)
  return chosen.length > 0
}
