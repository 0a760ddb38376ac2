/** A snapshot file, read from its bytes as docs/format.md describes them. No native code. */
import { PureBook, PureBooks } from './book.js'
import { crc32c, extend } from './checksum.js'
import { knownFeatures, signedPricesFeature } from './refusals.js'
import { isZero, journalIdAt, latin1, viewOf } from './segment.js'

const headerBytes = 4096
const sectionHeaderBytes = 24
const footerBytes = 32
/** Bytes of an instrument record, by format version. */
const instrumentBytes = new Map([
  [1, 96],
  [2, 104],
])
const statusIsKnown = 1n
const hasLastTradePrice = 2n

/** What a snapshot says of an instrument besides its book. */
export interface PureFacts {
  status: bigint | undefined
  lastSequence: bigint
  lastTimeNs: bigint
  trades: bigint
  tradedQuantity: bigint
  lastTradePrice: bigint | undefined
}

export interface PureSnapshot {
  version: number
  sequence: bigint
  timestampNs: bigint
  entryChecksum: number
  books: PureBooks
  /** In order of the instruments' indices. */
  facts: PureFacts[]
  userState: Uint8Array
}

/** What a snapshot must match to count for a data directory. */
export interface SnapshotPlace {
  /** The file's name. */
  name: string
  /** 32 hex digits; undefined: any. */
  journalId: string | undefined
}

/** Throws an Error that says what is wrong; returns nothing of a damaged snapshot. */
export function readSnapshot(bytes: Uint8Array, place?: SnapshotPlace): PureSnapshot {
  const view = viewOf(bytes)
  const header = readHeader(bytes, view)
  const { version, sequence } = header
  if (place !== undefined) checkPlace(place, sequence, journalIdAt(view))
  const sections = new Sections(bytes, view, version)
  const { books, facts } = readInstruments(sections.next(1, 0), header)
  let orders = 0n
  for (const [index, book] of books.books.entries()) {
    orders += readBook(sections.next(2, index + 1), book)
  }
  if (orders !== view.getBigUint64(72, true))
    throw new Error('the order count does not match the header')
  const userState = sections.next(3, 0)
  if (BigInt(userState.length) !== view.getBigUint64(88, true)) {
    throw new Error('the length of the user state does not match the header')
  }
  const footer = sections.end
  const right =
    footer + footerBytes === bytes.length &&
    latin1(bytes, footer, footer + 8) === 'PINNEND\n' &&
    view.getBigUint64(footer + 8, true) === sequence &&
    view.getBigUint64(footer + 16, true) === BigInt(bytes.length) &&
    view.getUint32(footer + 24, true) === sections.checksum &&
    view.getUint32(footer + 28, true) === crc32c(bytes, footer, footer + 28)
  if (!right) throw new Error('the footer does not fit')
  books.lastSequence = sequence
  return {
    version,
    sequence,
    timestampNs: view.getBigUint64(56, true),
    entryChecksum: view.getUint32(80, true),
    books,
    facts,
    userState: Uint8Array.from(userState),
  }
}

interface SnapshotHeader {
  version: number
  recordBytes: number
  features: bigint
  sequence: bigint
  instruments: number
}

function readHeader(bytes: Uint8Array, view: DataView): SnapshotHeader {
  if (bytes.length < headerBytes + footerBytes) throw new Error('shorter than a snapshot')
  if (latin1(bytes, 0, 8) !== 'PINNSNP\n') throw new Error('not a snapshot')
  const copy = Uint8Array.from(bytes.subarray(0, 128)) // a Buffer's slice would share memory
  copy.fill(0, 12, 16)
  if (crc32c(copy) !== view.getUint32(12, true)) throw new Error('the header is damaged')
  const version = view.getUint16(8, true)
  const recordBytes = instrumentBytes.get(version)
  if (recordBytes === undefined) throw new Error(`version ${String(version)} is not known`)
  const features = view.getBigUint64(16, true)
  if ((features & ~knownFeatures) !== 0n) throw new Error('needs a feature that is not known')
  if (!isZero(bytes, 128, headerBytes)) throw new Error('the rest of the header page is not zero')
  if (view.getBigUint64(64, true) !== BigInt(bytes.length)) throw new Error('another length')
  const sequence = view.getBigUint64(48, true)
  return { version, recordBytes, features, sequence, instruments: view.getUint32(84, true) }
}

function checkPlace(place: SnapshotPlace, sequence: bigint, journalId: string): void {
  if (place.name !== `${String(sequence).padStart(20, '0')}.snapshot`) {
    throw new Error(`holds snapshot ${String(sequence)} and was renamed`)
  }
  if (place.journalId !== undefined && place.journalId !== journalId) {
    throw new Error(`belongs to another journal (${journalId})`)
  }
}

/** The sections after the header, one after the other, each with its checksums. */
class Sections {
  /** Offset of the next section. */
  end = headerBytes
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #version: number
  #sum = 0xffffffff

  constructor(bytes: Uint8Array, view: DataView, version: number) {
    this.#bytes = bytes
    this.#view = view
    this.#version = version
  }

  /** Of all sections up to here, as the footer has it. */
  get checksum(): number {
    return ~this.#sum >>> 0
  }

  next(type: number, instrument: number): Uint8Array {
    const bytes = this.#bytes
    const view = this.#view
    const offset = this.end
    if (offset + sectionHeaderBytes > bytes.length) throw new Error('a section is missing')
    const length = Number(view.getBigUint64(offset + 8, true))
    if (crc32c(bytes, offset, offset + 20) !== view.getUint32(offset + 20, true)) {
      throw new Error('a section header is damaged')
    }
    const right =
      view.getUint32(offset, true) === type && view.getUint32(offset + 4, true) === instrument
    const begin = offset + sectionHeaderBytes
    const padded = begin + Math.ceil(length / 8) * 8
    if (!right || padded > bytes.length) throw new Error('not the section that belongs here')
    if (crc32c(bytes, begin, begin + length) !== view.getUint32(offset + 16, true)) {
      throw new Error('a section is damaged')
    }
    if (!isZero(bytes, begin + length, padded)) throw new Error('padding is not zero')
    // Version 1 summed whole headers, including their checksums.
    this.#sum = extend(this.#sum, bytes, offset, this.#version === 1 ? begin : begin - 4)
    this.end = padded
    return bytes.subarray(begin, begin + length)
  }
}

function readInstruments(
  definitions: Uint8Array,
  { version, recordBytes, features, instruments }: SnapshotHeader,
): { books: PureBooks; facts: PureFacts[] } {
  if (definitions.length !== instruments * recordBytes) throw new Error('instruments are cut')
  const books = new PureBooks()
  const facts: PureFacts[] = []
  for (let i = 0; i < instruments; i++) {
    const record = definitions.subarray(i * recordBytes, (i + 1) * recordBytes)
    const book = new PureBook(record)
    if (book.signedPrices && (features & signedPricesFeature) === 0n) {
      throw new Error(`${book.name} has signed prices, and the header not the feature for them`)
    }
    books.books.push(book)
    const said = version === 1 ? factsOfVersion1(viewOf(record)) : factsOf(viewOf(record))
    book.priceOf(said.lastTradePrice ?? 0n)
    facts.push(said)
  }
  return { books, facts }
}

function factsOf(record: DataView): PureFacts {
  const presence = record.getBigUint64(48, true)
  const status = record.getBigInt64(56, true)
  const price = record.getBigInt64(96, true)
  const known = (presence & statusIsKnown) !== 0n
  const traded = (presence & hasLastTradePrice) !== 0n
  const right =
    (presence & ~(statusIsKnown | hasLastTradePrice)) === 0n &&
    (known ? status >= 0n : status === 0n) &&
    (traded || price === 0n)
  if (!right) throw new Error('an instrument record contradicts its presence bits')
  return {
    status: known ? status : undefined,
    ...countsAt(record, 64),
    lastTradePrice: traded ? price : undefined,
  }
}

function factsOfVersion1(record: DataView): PureFacts {
  const orNone = (value: bigint): bigint | undefined => (value === -1n ? undefined : value)
  return {
    status: orNone(record.getBigInt64(48, true)),
    ...countsAt(record, 56),
    lastTradePrice: orNone(record.getBigInt64(88, true)),
  }
}

function countsAt(record: DataView, offset: number): Omit<PureFacts, 'status' | 'lastTradePrice'> {
  const word = (index: number): bigint => record.getBigUint64(offset + index * 8, true)
  return { lastSequence: word(0), lastTimeNs: word(1), trades: word(2), tradedQuantity: word(3) }
}

/** Returns the number of orders. */
function readBook(content: Uint8Array, book: PureBook): bigint {
  const view = viewOf(content)
  let offset = 0
  let orders = 0n
  const word = (): bigint => {
    if (offset + 8 > content.length) throw new Error('a book is truncated')
    offset += 8
    return view.getBigUint64(offset - 8, true)
  }
  for (const sell of [false, true]) {
    for (let levels = word(); levels > 0n; levels--) {
      const price = book.priceOf(BigInt.asIntN(64, word()))
      for (let count = word(); count > 0n; count--) {
        const low = word()
        const high = word()
        book.add(sell, price, low | (high << 64n), word())
        orders++
      }
    }
  }
  if (offset !== content.length) throw new Error('something follows a book')
  return orders
}
