/**
 * The head record `<data>/HEAD`, which names the segments that must exist. Read as docs/format.md describes
 * it.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import path from 'node:path'

import { isMissing, readError, refuseNewer } from './refusals.js'
import { isZero, journalIdAt, latin1, sealedChecksum, viewOf } from './segment.js'

const slotOffsets = [0, 4096]
const slotBytes = 256
const fileBytes = 8192
const recordVersion = 2 // version 1 had no head record
const windowFeature = 8n

export interface SegmentName {
  index: bigint
  id: bigint
}

export interface HeadRecord {
  counter: bigint
  journalId: string
  /** Index 0n: there is no segment yet. */
  oldest: SegmentName
  /** Index 0n: no segment was written to. */
  newest: SegmentName
  newestLink: bigint
  /** An alternative link of the newest segment; 0n: none. */
  otherLink: bigint
  /** Index 0n: none. */
  ready: SegmentName
  durable: bigint
  /** The path of the writer's window, or of the one that it left; '': none. */
  window: string
}

/** Undefined: there is no file. A text: what is wrong with it. */
export function readHead(dataDirectory: string): HeadRecord | string | undefined {
  const file = path.join(dataDirectory, 'HEAD')
  const bytes = headBytes(file)
  return bytes && decodeHead(bytes)
}

function headBytes(file: string): Uint8Array | undefined {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw readError(file, error)
  }
  try {
    const bytes = Buffer.alloc(fileBytes)
    readSync(descriptor, bytes, 0, fileBytes, 0)
    return bytes
  } catch (error) {
    throw readError(file, error)
  } finally {
    closeSync(descriptor)
  }
}

/** The valid record, or what is wrong. Throws if only a newer version can read it. */
export function decodeHead(file: Uint8Array): HeadRecord | string {
  let best: HeadRecord | undefined
  for (const [parity, offset] of slotOffsets.entries()) {
    const record = decodeSlot(file.subarray(offset, offset + slotBytes))
    if (record === undefined || record.counter % 2n !== BigInt(parity)) continue
    if (best === undefined || record.counter > best.counter) best = record
  }
  return best ?? 'HEAD does not verify: the head record is damaged'
}

function decodeSlot(slot: Uint8Array): HeadRecord | undefined {
  if (slot.length < slotBytes || latin1(slot, 0, 8) !== 'PINNHED\n') return undefined
  const view = viewOf(slot)
  if (sealedChecksum(slot, 0, slotBytes) !== view.getUint32(12, true)) return undefined
  const version = view.getUint16(8, true)
  refuseNewer('HEAD', version, view.getBigUint64(16, true), windowFeature)
  const word = (offset: number): bigint => view.getBigUint64(offset, true)
  const record: HeadRecord = {
    counter: word(48),
    journalId: journalIdAt(view),
    oldest: { index: word(64), id: word(72) },
    newest: { index: word(80), id: word(88) },
    newestLink: word(96),
    otherLink: word(104),
    ready: { index: word(112), id: word(120) },
    durable: word(128),
    window: '',
  }
  const namesWindow = (word(16) & windowFeature) !== 0n
  if (namesWindow) record.window = windowPath(slot)
  const sound =
    version === recordVersion &&
    view.getUint16(10, true) === slotBytes &&
    // Keys are for later versions, and without the feature there is no window: here both fields are zero.
    isZero(slot, 176, 192) &&
    (namesWindow ? record.window !== '' : isZero(slot, 144, 176) && isZero(slot, 192, slotBytes)) &&
    record.counter !== 0n &&
    indicesFit(record)
  return sound ? record : undefined
}

/** '' if no writer sets such fields. */
function windowPath(slot: Uint8Array): string {
  const id = Buffer.from(slot.subarray(144, 160)).toString('hex')
  const directory = Buffer.from(slot.subarray(192, slotBytes))
  if (/^0*$/.test(id) || directory[0] !== 0x2f || directory.at(-1) !== 0) return ''
  const name = directory.subarray(0, directory.indexOf(0)).toString()
  return `${name}/pinnacle-${id}.window`
}

function indicesFit({ oldest, newest, ready }: HeadRecord): boolean {
  const last = ready.index === 0n ? newest.index : ready.index
  return (
    oldest.index <= last &&
    (oldest.index === 0n) === (last === 0n) &&
    (newest.index === 0n || newest.index >= oldest.index) &&
    (ready.index === 0n || ready.index > newest.index)
  )
}

/** The last index that must exist. */
export function lastIndexOf({ newest, ready }: HeadRecord): bigint {
  return ready.index === 0n ? newest.index : ready.index
}
