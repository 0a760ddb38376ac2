/** One flipped bit, in every kind of place. */
import {
  frontierMarkOffsets,
  headSlotBytes,
  headSlotOffsets,
  linkMarkOffsets,
  markBytes,
  snapshotFooterBytes,
  snapshotHeaderBytes,
  type Range,
} from '../format.js'
import type { Damage, Target } from './target.js'

const segmentHeaderBytes = 128

function flip(target: Target, name: string | undefined, { offset, bytes }: Range): boolean {
  if (name === undefined || bytes <= 0) return false
  const at = offset + target.random.below(bytes)
  const bit = target.random.below(8)
  target.note(`bit ${String(bit)} of byte ${String(at)} of ${name} flipped`)
  return target.change(name, { offset: at, bytes: 1 }, (range) => {
    range[0] = (range[0] ?? 0) ^ (1 << bit)
  })
}

export const flipEntry: Damage = (target) => {
  const picked = target.pickEntry()
  return picked !== undefined && flip(target, picked.name, picked.entry)
}

export const flipHeader: Damage = (target) =>
  flip(target, target.pickSegment(), { offset: 0, bytes: segmentHeaderBytes })

/** In the header page, outside the header and the marks: readers ignore it. */
export const flipHeaderPage: Damage = (target) =>
  flip(target, target.pickSegment(), {
    offset: segmentHeaderBytes,
    bytes: 4096 - segmentHeaderBytes,
  })

export const flipMark: Damage = (target) =>
  flip(target, target.pickSegment(), {
    offset: target.pick(frontierMarkOffsets) ?? 0,
    bytes: markBytes,
  })

export const flipLink: Damage = (target) =>
  flip(target, target.pickSegment(), {
    offset: target.pick(linkMarkOffsets) ?? 0,
    bytes: markBytes,
  })

export const flipHead: Damage = (target) =>
  flip(target, target.files('head')[0], {
    offset: target.pick(headSlotOffsets) ?? 0,
    bytes: headSlotBytes,
  })

export const flipSnapshot: Damage = (target) => {
  const name = target.pick(target.files('snapshot'))
  if (name === undefined) return false
  const { length } = target.read(name)
  const part = target.random.below(4)
  if (part === 0) return flip(target, name, { offset: 0, bytes: snapshotHeaderBytes })
  if (part === 1) {
    return flip(target, name, { offset: length - snapshotFooterBytes, bytes: snapshotFooterBytes })
  }
  return flip(target, name, { offset: 4096, bytes: length - 4096 - snapshotFooterBytes })
}

/** After the newest entry, among zeros. */
export const flipUnwritten: Damage = (target) => {
  const name = target.pickSegment()
  if (name === undefined) return false
  const last = target.soundSegment(name)?.entries.at(-1)
  const offset = last ? last.offset + last.bytes : 4096
  return flip(target, name, { offset, bytes: target.read(name).length - offset })
}
