/** Sound files that belong to another journal, another copy of this one, or another moment. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { filesOf, kindOf, type FileKind } from '../files.js'
import type { Damage, Target } from './target.js'

/** Files of another directory, by kind. */
function filesIn(directory: string, kind?: FileKind): string[] {
  return filesOf(directory).filter((name) =>
    kind === undefined ? kindOf(name) !== 'other' : kindOf(name) === kind,
  )
}

/** Puts in files of another directory; false if that changes nothing. */
function take(target: Target, whose: string, directory: string, names: readonly string[]): boolean {
  let changed = false
  for (const name of names) {
    const bytes = readFileSync(path.join(directory, name))
    changed ||= !target.exists(name) || !target.read(name).equals(bytes)
    target.write(name, bytes)
  }
  target.note(`${whose}: ${names.join(', ')}`)
  return changed
}

function someOf(target: Target, names: readonly string[]): string[] {
  return names.filter(() => target.random.below(2) === 0)
}

const foreign = 'of another journal'
const twin = 'of the copy that was continued'

function oneOf(whose: 'foreign' | 'twin', kind: FileKind): Damage {
  return (target) => {
    const { directory } = target.base[whose]
    const name = target.pick(filesIn(directory, kind))
    return name !== undefined && take(target, whose === 'twin' ? twin : foreign, directory, [name])
  }
}

export const foreignSegment = oneOf('foreign', 'segment')
export const foreignHead = oneOf('foreign', 'head')
export const foreignSnapshot = oneOf('foreign', 'snapshot')

export const foreignFiles: Damage = (target) => {
  const { directory } = target.base.foreign
  return take(target, foreign, directory, someOf(target, filesIn(directory)))
}

export const forkedSegment = oneOf('twin', 'segment')
export const forkedHead = oneOf('twin', 'head')
export const forkedSnapshot = oneOf('twin', 'snapshot')

export const forkedFiles: Damage = (target) => {
  const { directory } = target.base.twin
  const files = filesIn(directory)
  const choice = target.random.below(4)
  const segments = files.filter((name) => kindOf(name) === 'segment')
  const names =
    choice === 0
      ? segments
      : choice === 1
        ? segments.slice(-1 - target.random.below(2))
        : someOf(target, files)
  return take(target, twin, directory, names)
}

/** Everything of the continued copy: an undamaged directory, but not the requested one. */
export const wholeTwin: Damage = (target) => {
  const { directory } = target.base.twin
  for (const name of target.allFiles()) target.remove(name)
  return take(target, twin, directory, filesIn(directory))
}

function oldFile(kind: FileKind): Damage {
  return (target) => {
    const generation = target.pick(target.base.generations)
    if (!generation) return false
    const { directory, appended } = generation
    const names = filesIn(directory, kind)
    const name = target.random.below(2) === 0 ? names.at(-1) : target.pick(names)
    return name !== undefined && take(target, `as of entry ${String(appended)}`, directory, [name])
  }
}

export const oldSegment = oldFile('segment')
export const oldHead = oldFile('head')
/** Usually one that was rotated away. */
export const oldSnapshot = oldFile('snapshot')

export const oldFiles: Damage = (target) => {
  const generation = target.pick(target.base.generations)
  if (!generation) return false
  const { directory, appended } = generation
  return take(
    target,
    `as of entry ${String(appended)}`,
    directory,
    someOf(target, filesIn(directory)),
  )
}

/** Restores a whole backup: an undamaged directory, but an older one. */
export const wholeOldCopy: Damage = (target) => {
  const generation = target.pick(target.base.generations)
  if (!generation) return false
  const { directory, appended } = generation
  for (const name of target.allFiles()) target.remove(name)
  return take(target, `as of entry ${String(appended)}`, directory, filesIn(directory))
}
