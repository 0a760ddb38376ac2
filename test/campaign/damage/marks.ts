/** Marks with valid checksums and wrong contents. */
import {
  frontierMark,
  frontierMarkOffsets,
  linkMark,
  linkMarkOffsets,
  markBytes,
} from '../format.js'
import type { Damage, Target } from './target.js'

function put(target: Target, name: string, offset: number, bytes: Uint8Array): boolean {
  return target.change(name, { offset, bytes: markBytes }, (range) => {
    range.set(bytes)
  })
}

/** A counter above the existing marks' counters, or one that looks old. */
function counter(target: Target): number {
  return target.random.below(4) === 0
    ? 1 + target.random.below(3)
    : 1000 + target.random.below(1000)
}

/** Writes into one slot, or into both. */
function putMark(target: Target, name: string, durable: number): boolean {
  const seed = target.soundSegment(name)?.seed
  if (seed === undefined) return false
  const slots =
    target.random.below(2) === 0 ? frontierMarkOffsets : [target.pick(frontierMarkOffsets) ?? 0]
  const put_ = slots.map((slot) =>
    put(target, name, slot, frontierMark(seed, durable, counter(target))),
  )
  target.note(`a mark in ${name} says that entry ${String(durable)} is durable`)
  return put_.includes(true)
}

/** In any segment, even one that is ready and empty. */
export const staleMark: Damage = (target) => {
  const name = target.pickSegment()
  const last = target.base.ours.history.entries.length
  return name !== undefined && putMark(target, name, target.random.below(last + 1))
}

export const forgedMark: Damage = (target) => {
  const name = target.pickSegment()
  const last = target.base.ours.history.entries.length
  const above = target.pick([1, 2, 100, 1_000_000]) ?? 1
  return name !== undefined && putMark(target, name, last + above)
}

export const forgedLink: Damage = (target) => {
  const name = target.pickSegment()
  const seed = name === undefined ? undefined : target.soundSegment(name)?.seed
  if (name === undefined || seed === undefined) return false
  const link = BigInt(1 + target.random.below(1_000_000_000))
  target.note(`a link mark in ${name} says ${String(link)}`)
  return put(target, name, target.pick(linkMarkOffsets) ?? 0, linkMark(seed, link, counter(target)))
}

/** Removes one slot of the head record, or the marks of a segment. */
export const lostMarks: Damage = (target) => {
  const name = target.pickSegment()
  if (name === undefined) return false
  target.note(`frontier marks of ${name} zeroed`)
  const gone = frontierMarkOffsets.map((offset) =>
    put(target, name, offset, new Uint8Array(markBytes)),
  )
  return gone.includes(true)
}
