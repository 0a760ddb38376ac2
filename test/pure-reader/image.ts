/**
 * Data directories built by hand from docs/format.md: segments of both versions, head records, snapshots.
 * They share no code with any reader or writer; the checksum is computed bit by bit.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const line = 64
const page = 4096
export const journalId = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')
export const otherJournalId = Buffer.from('ff02030405060708090a0b0c0d0e0f10', 'hex')

/** The register of CRC32C over the bytes, from `state`. */
export function register(state: number, bytes: Uint8Array): number {
  for (const byte of bytes) {
    state ^= byte
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0)
  }
  return state >>> 0
}

/** Sets the checksum of a header or a head record after a change. */
export function seal(bytes: Buffer): void {
  bytes.writeUInt32LE(0, 12)
  bytes.writeUInt32LE(~register(0xffffffff, bytes) >>> 0, 12)
}

export interface EntryFields {
  sequence: number
  type?: number
  flags?: number
  instrument?: number
  timeNs?: bigint
  payload?: Uint8Array
  /** The durable frontier when it was written. */
  durable?: number
}

export interface SegmentFields {
  index?: number
  id?: bigint
  version?: number
  journal?: Buffer
  bytes?: number
  madeNs?: bigint
  /** Link of the preceding segment; version 1 has none. */
  predecessor?: bigint
  /** Mandatory features: 1 transactions. */
  features?: bigint
}

export const continuesFlag = 0x04
export const moreFollowsFlag = 0x08

export class SegmentImage {
  readonly index: number
  readonly id: bigint
  readonly bytes: Buffer
  end = page
  /** Type of the last appended entry. */
  lastType = 0

  constructor(fields: SegmentFields = {}) {
    const { index = 1, id = idOf(index), version = 2, journal = journalId, bytes = 65_536 } = fields
    this.index = index
    this.id = id
    this.bytes = Buffer.alloc(bytes)
    this.bytes.write('PINNSEG\n', 'latin1')
    this.bytes.writeUInt16LE(version, 8)
    this.bytes.writeUInt16LE(page, 10)
    this.bytes.writeBigUInt64LE(fields.features ?? 0n, 16)
    journal.copy(this.bytes, 32)
    this.bytes.writeBigUInt64LE(BigInt(index), 48)
    this.bytes.writeBigUInt64LE(id, 56)
    this.bytes.writeBigUInt64LE(BigInt(bytes), 72)
    this.bytes.writeBigUInt64LE(fields.madeNs ?? 0n, 80)
    this.bytes.writeBigUInt64LE(fields.predecessor ?? 0n, 104)
    this.sealHeader()
  }

  get seed(): number {
    return Number(this.id & 0xffffffffn)
  }

  /** Call after a change of the header. */
  sealHeader(): this {
    seal(this.bytes.subarray(0, 128))
    return this
  }

  /** Appends an entry, by default a user's of 32 bytes. Its offset is the earlier `end`. */
  entry(fields: EntryFields): this {
    const { sequence, type = 0x80, flags = 0, payload = Buffer.alloc(32, 0x5a) } = fields
    const bytes = Buffer.alloc(Math.ceil((payload.length + 32) / line) * line)
    bytes.writeUInt32LE(payload.length, 0)
    bytes.writeUInt16LE(fields.instrument ?? 0, 4)
    bytes.writeUInt8(type, 6)
    bytes.writeUInt8(flags | 0x80, 7)
    bytes.writeBigUInt64LE(BigInt(sequence), 8)
    bytes.writeBigUInt64LE(fields.timeNs ?? BigInt(1000 + sequence), 16)
    bytes.set(payload, 24)
    // (An entry that fills the first lines of a journal has the sequence 0.)
    const lag = sequence === 0 ? 0xffffffff : sequence - 1 - (fields.durable ?? 0)
    bytes.writeUInt32LE(lag, bytes.length - 8)
    bytes.writeUInt32LE(register(this.seed, bytes.subarray(0, -4)), bytes.length - 4)
    bytes.copy(this.bytes, this.end)
    this.end += bytes.length
    this.lastType = type
    return this
  }

  /** One-line entries; each says that everything up to five before it was durable. */
  entries(first: number, last: number): this {
    for (let sequence = first; sequence <= last; sequence++) {
      this.entry({ sequence, durable: Math.max(0, sequence - 5) })
    }
    return this
  }

  /** The entries `first` to `last` as one transaction; `fields` has their common fields. */
  transaction(first: number, last: number, fields: Partial<EntryFields> = {}): this {
    for (let sequence = first; sequence <= last; sequence++) {
      const continues = sequence === first ? 0 : continuesFlag
      const moreFollows = sequence === last ? 0 : moreFollowsFlag
      this.entry({ durable: first - 1, ...fields, sequence, flags: continues | moreFollows })
    }
    return this
  }

  /** Sets the checksum of the entry at `offset` after a change. */
  sealEntry(offset: number): this {
    const bytes = Math.ceil((this.bytes.readUInt32LE(offset) + 32) / line) * line
    const end = offset + bytes - 4
    this.bytes.writeUInt32LE(register(this.seed, this.bytes.subarray(offset, end)), end)
    return this
  }

  hole(fields: HoleFields): this {
    const { first, last, snapshot = 0, leftOut = 0, lines = 1 } = fields
    const payload = Buffer.alloc(lines * line - 32)
    payload.writeBigUInt64LE(BigInt(first), 0)
    payload.writeBigUInt64LE(BigInt(snapshot), 8)
    payload.writeBigUInt64LE(BigInt(leftOut), 16)
    const { durable = 0, timeNs = 5n } = fields
    return this.entry({ sequence: last, type: 0x05, payload, durable, timeNs })
  }

  /** A frontier mark. */
  mark(durable: number, counter = 1, timeNs = 0n): this {
    const offset = counter % 2 === 0 ? 2048 : 2560
    this.bytes.writeBigUInt64LE(BigInt(durable), offset)
    return this.#sealMark(offset, counter, timeNs)
  }

  link(link: bigint, counter = 1, timeNs = 0n): this {
    const offset = counter % 2 === 0 ? 1024 : 1536
    this.bytes.writeBigUInt64LE(link, offset)
    this.bytes.writeUInt32LE(0x4b4e494c, offset + 24)
    return this.#sealMark(offset, counter, timeNs)
  }

  #sealMark(offset: number, counter: number, timeNs: bigint): this {
    this.bytes.writeBigUInt64LE(BigInt(counter), offset + 8)
    this.bytes.writeBigUInt64LE(timeNs, offset + 16)
    const checksum = register(this.seed, this.bytes.subarray(offset, offset + 28))
    this.bytes.writeUInt32LE(checksum, offset + 28)
    return this
  }

  flip(offset: number, bit = 2): this {
    this.bytes[offset] = (this.bytes[offset] ?? 0) ^ (1 << bit)
    return this
  }

  zero(offset: number, length: number): this {
    this.bytes.fill(0, offset, offset + length)
    return this
  }
}

export interface HoleFields {
  first: number
  last: number
  snapshot?: number
  leftOut?: number
  lines?: number
  durable?: number
  timeNs?: bigint
}

/** The default id of a segment. */
export function idOf(index: number): bigint {
  return 0x1122334455667788n + (BigInt(index) << 8n)
}

export interface HeadFields {
  version?: number
  mandatory?: bigint
  journal?: Buffer
  counter?: number
  epoch?: number
  oldest?: [number, bigint]
  newest?: [number, bigint]
  link?: bigint
  otherLink?: bigint
  ready?: [number, bigint]
  durable?: number
  timeNs?: bigint
  /** The window's fields: its id, the machine's boot, its directory. */
  window?: [id: number, boot: number, directory: string]
}

/** The 256 bytes of one slot. */
export function headSlot(fields: HeadFields): Buffer {
  const none: [number, bigint] = [0, 0n]
  const { oldest = none, newest = none, ready = none } = fields
  const bytes = Buffer.alloc(256)
  bytes.write('PINNHED\n', 'latin1')
  bytes.writeUInt16LE(fields.version ?? 2, 8)
  bytes.writeUInt16LE(256, 10)
  bytes.writeBigUInt64LE(fields.mandatory ?? 0n, 16)
  ;(fields.journal ?? journalId).copy(bytes, 32)
  const words: [number, number | bigint][] = [
    [48, fields.counter ?? 2],
    [56, fields.epoch ?? 1],
    [64, oldest[0]],
    [72, oldest[1]],
    [80, newest[0]],
    [88, newest[1]],
    [96, fields.link ?? newest[1]],
    [104, fields.otherLink ?? 0],
    [112, ready[0]],
    [120, ready[1]],
    [128, fields.durable ?? 0],
    [136, fields.timeNs ?? 0],
  ]
  for (const [offset, value] of words) bytes.writeBigUInt64LE(BigInt(value), offset)
  const [id, boot, directory] = fields.window ?? [0, 0, '']
  bytes.fill(id, 144, 160).fill(boot, 160, 176)
  bytes.write(directory, 192, 'latin1')
  seal(bytes)
  return bytes
}

/** Writes a whole HEAD file: each record into the slot of its counter. */
export function headFile(...records: HeadFields[]): Buffer {
  const bytes = Buffer.alloc(8192)
  for (const record of records) {
    headSlot(record).copy(bytes, (record.counter ?? 2) % 2 === 0 ? 0 : 4096)
  }
  return bytes
}

export interface SnapshotFields {
  sequence: number
  journal?: Buffer
  /** Checksum of the journal's entry; 0: unknown. */
  entryChecksum?: number
}

/** A snapshot without instruments. */
export function snapshotFile({
  sequence,
  journal = journalId,
  entryChecksum = 0,
}: SnapshotFields): Buffer {
  const sections = [sectionHeader(1), sectionHeader(3)]
  const footer = Buffer.alloc(32)
  const bytes = Buffer.alloc(page + 2 * 24 + 32)
  bytes.write('PINNSNP\n', 'latin1')
  bytes.writeUInt16LE(1, 8)
  bytes.writeUInt16LE(page, 10)
  journal.copy(bytes, 32)
  bytes.writeBigUInt64LE(BigInt(sequence), 48)
  bytes.writeBigUInt64LE(BigInt(bytes.length), 64)
  bytes.writeUInt32LE(entryChecksum, 80)
  seal(bytes.subarray(0, 128))
  footer.write('PINNEND\n', 'latin1')
  footer.writeBigUInt64LE(BigInt(sequence), 8)
  footer.writeBigUInt64LE(BigInt(bytes.length), 16)
  footer.writeUInt32LE(ordinary(Buffer.concat(sections)), 24)
  footer.writeUInt32LE(ordinary(footer.subarray(0, 28)), 28)
  Buffer.concat([...sections, footer]).copy(bytes, page)
  return bytes
}

/** The header of a section without content. */
function sectionHeader(type: number): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.writeUInt32LE(type, 0)
  bytes.writeUInt32LE(ordinary(Buffer.alloc(0)), 16)
  bytes.writeUInt32LE(ordinary(bytes.subarray(0, 20)), 20)
  return bytes
}

function ordinary(bytes: Uint8Array): number {
  return ~register(0xffffffff, bytes) >>> 0
}

/** Writes files by their names below the data directory, over existing ones. */
export function write(dataDirectory: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(dataDirectory, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
}

export function segmentName(index: number): string {
  return `journal/${String(index).padStart(20, '0')}.segment`
}

export function snapshotName(sequence: number): string {
  return `snapshots/${String(sequence).padStart(20, '0')}.snapshot`
}

/**
 * A sound directory of version 2: entries 1-10, 11-20 and 21-25 in three segments, the third of which was
 * opened again (so its link is not its id), and a fourth that is ready.
 */
export class Sample {
  readonly link = 0xa1a2a3a4a5a6a7a8n
  readonly one = new SegmentImage().entries(1, 10).mark(10)
  readonly two = new SegmentImage({ index: 2, predecessor: idOf(1) }).entries(11, 20)
  readonly three = new SegmentImage({ index: 3, predecessor: idOf(2) })
    .entries(21, 25)
    .link(this.link)
  readonly four = new SegmentImage({ index: 4, predecessor: this.link })
  readonly head: HeadFields = {
    oldest: [1, idOf(1)],
    newest: [3, idOf(3)],
    link: this.link,
    ready: [4, idOf(4)],
    durable: 24,
  }

  files(): Record<string, Buffer> {
    const segments = [this.one, this.two, this.three, this.four]
    return {
      HEAD: headFile(this.head),
      ...Object.fromEntries(segments.map(({ index, bytes }) => [segmentName(index), bytes])),
    }
  }

  write(dataDirectory: string): string {
    write(dataDirectory, this.files())
    return dataDirectory
  }
}

/** The checksum field of the one-line entry at `offset`. */
export function checksumAt({ bytes }: SegmentImage, offset: number): number {
  return bytes.readUInt32LE(offset + 60)
}
