/** Directories of random shape with random damage to their files, to compare the two readers. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'

import {
  headFile,
  idOf,
  SegmentImage,
  segmentName,
  snapshotFile,
  snapshotName,
  write,
  type HeadFields,
} from './image.js'

/** The same numbers for the same seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to `sides` - 1. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) >>> 0
    return (this.#state >>> 8) % sides
  }

  /** True once in `times` times, on average. */
  once(times: number): boolean {
    return this.roll(times) === 0
  }

  /** `items` must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)] as T
  }
}

/** A sound directory, of one to four segments. */
export function makeDirectory(dice: Dice, dataDirectory: string): void {
  const version = dice.once(4) ? 1 : 2
  const first = dice.once(3) ? 3 : 1
  const segments: SegmentImage[] = []
  const checksums = new Map<number, number>()
  let next = first === 1 ? 1 : 40
  let link = first === 1 ? 0n : 0x99n
  for (let count = 1 + dice.roll(4), index = first; count > 0; count--, index++) {
    const isLast = count === 1
    const predecessor = version === 1 ? 0n : link
    const features = version === 2 && !dice.once(4) ? 1n : 0n
    const segment = new SegmentImage({ index, version, predecessor, features })
    // Only the last ones may be empty.
    const entries = isLast && dice.once(2) ? 0 : 1 + dice.roll(12)
    for (let i = 0; i < entries && segment.end < 50_000; i++) {
      const before = next
      next = append(dice, segment, next, { holes: version === 2, transactions: features !== 0n })
      const isHole = segment.lastType === 0x05
      // An entry that fills lines has the sequence of the preceding entry.
      if (next > before) {
        checksums.set(next - 1, isHole ? 0 : segment.bytes.readUInt32LE(segment.end - 4))
      }
    }
    if (dice.once(3)) segment.mark(Math.max(0, next - 1 - dice.roll(3)), 1 + dice.roll(3))
    link = segment.id
    if (version === 2 && dice.once(3)) segment.link((link = 0xabc0n + BigInt(index)))
    segments.push(segment)
    write(dataDirectory, { [segmentName(index)]: segment.bytes })
  }
  if (version === 2) write(dataDirectory, { HEAD: headOf(dice, segments, link, next) })
  const sequences = [...checksums.keys()]
  const needed = first === 1 ? [] : [39]
  const some = sequences.length === 0 ? [] : [dice.pick(sequences), dice.pick(sequences)]
  for (const sequence of new Set([...needed, ...some])) {
    if (sequence !== 39 && dice.once(3)) continue
    const known = dice.once(3) ? 0 : (checksums.get(sequence) ?? 0)
    const snapshot = snapshotFile({ sequence, entryChecksum: known })
    write(dataDirectory, { [snapshotName(sequence)]: snapshot })
  }
}

interface Allowed {
  holes: boolean
  transactions: boolean
}

/** The next sequence. */
function append(dice: Dice, segment: SegmentImage, next: number, allowed: Allowed): number {
  const durable = dice.once(2) ? 0 : Math.max(0, next - 1 - dice.roll(6))
  if (allowed.transactions && dice.once(4)) {
    const last = next + 1 + dice.roll(6)
    segment.transaction(next, last, { durable, payload: payloadOf(dice, [32, 32, 32, 0, 70, 700]) })
    return last + 1
  }
  if (allowed.holes && dice.once(12)) {
    const last = next - 1 + dice.roll(4)
    const snapshot = dice.once(2) ? 0 : dice.roll(last + 2)
    segment.hole({ first: next, last, snapshot, lines: 1 + dice.roll(3), durable: 0 })
    return last + 1
  }
  const payload = payloadOf(dice, [32, 32, 0, 70, 480, 1500, 5000])
  segment.entry({ sequence: next, payload, durable })
  return next + 1
}

function payloadOf(dice: Dice, lengths: readonly number[]): Buffer {
  const payload = Buffer.alloc(dice.pick(lengths), dice.pick([0x5a, 0]))
  for (let i = 0; i < payload.length; i += 1 + dice.roll(90)) payload[i] = dice.roll(256)
  return payload
}

function headOf(dice: Dice, segments: SegmentImage[], link: bigint, next: number): Buffer {
  const oldest = segments[0] as SegmentImage
  const last = segments.at(-1) as SegmentImage
  const before = segments.at(-2)
  const durable = dice.once(2) ? 0 : Math.max(0, next - 1 - dice.roll(3))
  const base: HeadFields = { oldest: [oldest.index, oldest.id], durable }
  const isReady = before !== undefined && link === last.id && dice.once(2)
  const record: HeadFields = isReady
    ? { ...base, newest: [before.index, before.id], ready: [last.index, last.id] }
    : { ...base, newest: [last.index, last.id], link }
  if (isReady) record.link = linkOf(before)
  const counter = 6 + dice.roll(2)
  return headFile({ ...record, counter: counter - 1, durable: 0 }, { ...record, counter })
}

function linkOf({ bytes, id }: SegmentImage): bigint {
  return bytes.readBigUInt64LE(1536) || id
}

/** Damages one file in one way; returns a sentence about it. */
export function spoil(dice: Dice, dataDirectory: string): string {
  const names = filesOf(dataDirectory)
  const segments = names.filter((each) => each.endsWith('.segment'))
  if (names.length === 0) return 'nothing: no file is left'
  const name = dice.pick(dice.once(6) || segments.length === 0 ? names : segments)
  const file = path.join(dataDirectory, name)
  switch (dice.roll(14)) {
    case 0:
      rmSync(file)
      return `removed ${name}`
    case 1: {
      const other = dice.pick(names)
      if (other !== name) copyFileSync(file, path.join(dataDirectory, other))
      return `copied ${name} over ${other}`
    }
    case 2: {
      const to = name.replace(/\d{20}/, String(1 + dice.roll(50)).padStart(20, '0'))
      if (!existsSync(path.join(dataDirectory, to))) renameSync(file, path.join(dataDirectory, to))
      return `renamed ${name} to ${to}`
    }
    case 3: {
      const bytes = dice.roll(Math.min(8000, statSync(file).size))
      truncateSync(file, bytes)
      return `cut ${name} to ${bytes} bytes`
    }
    case 4: {
      const index = 1 + dice.roll(9)
      const image = new SegmentImage({ index, id: idOf(index + 100) })
      if (dice.once(3)) image.entries(1, 2)
      if (!existsSync(path.join(dataDirectory, segmentName(index)))) {
        write(dataDirectory, { [segmentName(index)]: image.bytes })
      }
      return `made a segment ${index}`
    }
    case 5:
    case 6:
    case 7:
      return tear(dice, dataDirectory, segments)
    default:
      return spoilBytes(dice, file, name)
  }
}

/** A power cut's result: zeros in the last entries. */
function tear(dice: Dice, dataDirectory: string, segments: string[]): string {
  for (const name of segments.toReversed()) {
    const file = path.join(dataDirectory, name)
    const bytes = readFileSync(file)
    const end = endOf(bytes)
    if (end <= 4096) continue
    const from = Math.max(4096, end - 1 - dice.roll(dice.pick([64, 64, 600])))
    bytes.fill(0, from, dice.once(2) ? end : Math.min(end, from + 8))
    writeFileSync(file, bytes)
    return `tore ${name} at ${from}`
  }
  return 'nothing: there is no entry'
}

/** After the last byte that is not zero. */
function endOf(bytes: Buffer): number {
  return [...bytes].findLastIndex((byte) => byte !== 0) + 1
}

function spoilBytes(dice: Dice, file: string, name: string): string {
  const bytes = readFileSync(file)
  if (bytes.length < 200) return 'nothing'
  const used = Math.max(0, endOf(bytes) - 1)
  // Around the end, in the header page, or anywhere.
  const places = [Math.max(0, used - dice.roll(200)), dice.roll(4096), dice.roll(used + 1)]
  const at = Math.min(dice.pick(places), bytes.length - 64)
  const line = Math.floor(at / 64) * 64
  switch (dice.roll(6)) {
    case 0:
      bytes.fill(0, at, Math.min(bytes.length, at + 1 + dice.roll(600)))
      writeFileSync(file, bytes)
      return `zeros in ${name} from ${at}`
    case 1:
      bytes.fill(0, Math.min(bytes.length, Math.max(dice.pick([0, 4096]), line)))
      writeFileSync(file, bytes)
      return `zeros in ${name} from ${line} to its end`
    case 2:
      bytes.copyWithin(line, 4096 + dice.roll(10) * 64, 4096 + (10 + dice.roll(3)) * 64)
      writeFileSync(file, bytes)
      return `lines of ${name} copied to ${line}`
    default: {
      const bit = dice.roll(8)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      writeFileSync(file, bytes)
      return `bit ${bit} of ${name} at ${at} flipped`
    }
  }
}

function filesOf(dataDirectory: string): string[] {
  return (readdirSync(dataDirectory, { recursive: true }) as string[])
    .filter((name) => /HEAD|segment|snapshot$/.test(name))
    .sort()
}
