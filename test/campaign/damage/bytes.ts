/** Several bytes at once: overwritten, zeroed, torn, cut off, grown. */
import { pageBytes, sectorBytes, type Range } from '../format.js'
import type { Damage, Target } from './target.js'

/** A used part of a file: an entry, the header page, any bytes. */
function pickPlace(target: Target): { name: string; range: Range } | undefined {
  if (target.random.below(2) === 0) {
    const picked = target.pickEntry()
    if (picked) return { name: picked.name, range: picked.entry }
  }
  const name = target.pick(target.allFiles())
  if (name === undefined) return undefined
  const last = target.soundSegment(name)?.entries.at(-1)
  const { length } = target.read(name)
  // Of a segment up to a little after its newest entry.
  const end = last ? Math.min(last.offset + last.bytes + 256, length) : length
  return end === 0 ? undefined : { name, range: { offset: 0, bytes: end } }
}

function within(target: Target, range: Range, mostBytes: number): Range {
  const bytes = 1 + target.random.below(Math.min(mostBytes, range.bytes))
  return { offset: range.offset + target.random.below(range.bytes - bytes + 1), bytes }
}

function text(name: string, { offset, bytes }: Range): string {
  return `bytes ${String(offset)} to ${String(offset + bytes - 1)} of ${name}`
}

function fill(target: Target, name: string, range: Range): boolean {
  target.note(`${text(name, range)} overwritten`)
  return target.change(name, range, (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = target.random.below(256)
  })
}

function zero(target: Target, name: string, range: Range): boolean {
  target.note(`${text(name, range)} zeroed`)
  return target.change(name, range, (bytes) => bytes.fill(0))
}

export const randomBytes: Damage = (target) => {
  const place = pickPlace(target)
  return place !== undefined && fill(target, place.name, within(target, place.range, 16))
}

export const randomBlock: Damage = (target) => {
  const place = pickPlace(target)
  return place !== undefined && fill(target, place.name, within(target, place.range, 2048))
}

export const zeroRange: Damage = (target) => {
  const place = pickPlace(target)
  if (place === undefined) return false
  const isWhole = target.random.below(3) === 0 && place.range.bytes <= 8192
  return zero(target, place.name, isWhole ? place.range : within(target, place.range, 4096))
}

function zeroUnits(unit: number): Damage {
  return (target) => {
    const place = pickPlace(target)
    if (place === undefined) return false
    const { name, range } = place
    const first = Math.floor((range.offset + target.random.below(range.bytes)) / unit) * unit
    const bytes = Math.min(unit * (1 + target.random.below(3)), target.read(name).length - first)
    return zero(target, name, { offset: first, bytes })
  }
}

export const zeroSectors = zeroUnits(sectorBytes)
export const zeroPages = zeroUnits(pageBytes)

/** The tail of a sector did not arrive. */
export const tornSector: Damage = (target) => {
  const place = pickPlace(target)
  if (place === undefined) return false
  const { name, range } = place
  const from = range.offset + target.random.below(range.bytes)
  const end = Math.min((Math.floor(from / sectorBytes) + 1) * sectorBytes, target.read(name).length)
  return zero(target, name, { offset: from, bytes: end - from })
}

/** Nothing arrived from the middle of an entry on, as after a power cut. */
export const tornTail: Damage = (target) => {
  const picked = target.pickEntry()
  if (picked === undefined) return false
  const { name, entry } = picked
  const from = entry.offset + target.random.below(entry.bytes)
  return zero(target, name, { offset: from, bytes: target.read(name).length - from })
}

export const truncate: Damage = (target) => {
  const place = pickPlace(target)
  if (place === undefined) return false
  const { name, range } = place
  const content = target.read(name)
  const unit = target.pick([1, sectorBytes, pageBytes]) ?? 1
  const choice = target.random.below(8)
  const at = range.offset + target.random.below(range.bytes)
  const length = choice === 0 ? 0 : Math.floor(at / unit) * unit
  target.note(`${name} cut to ${String(length)} bytes`)
  target.write(name, content.subarray(0, length))
  return length < content.length
}

function grow(garbage: boolean): Damage {
  return (target) => {
    const name = target.pick(target.allFiles())
    if (name === undefined) return false
    const content = target.read(name)
    const rest = Buffer.alloc(1 + target.random.below(9000))
    if (garbage) for (let i = 0; i < rest.length; i++) rest[i] = target.random.below(256)
    target.note(`${String(rest.length)} bytes of ${garbage ? 'garbage' : 'zeros'} added to ${name}`)
    target.write(name, Buffer.concat([content, rest]))
    return true
  }
}

export const longerZeros = grow(false)
export const longerGarbage = grow(true)
