/** A snapshot file, read from its bytes as docs/format.md describes them. No native code. */
import { PureBook, PureBooks } from './book.js'
import { crc32c, extend } from './checksum.js'
import { isZero, latin1, viewOf } from './segment.js'

const headerBytes = 4096
const sectionHeaderBytes = 24
const footerBytes = 32
const instrumentBytes = 96

export interface PureSnapshot {
  sequence: bigint
  timestampNs: bigint
  entryChecksum: number
  books: PureBooks
  userState: Uint8Array
}

/** Throws an Error that says what is wrong; nothing of a damaged snapshot is returned. */
export function readSnapshot(bytes: Uint8Array): PureSnapshot {
  const view = viewOf(bytes)
  if (bytes.length < headerBytes + footerBytes) throw new Error('shorter than a snapshot')
  if (latin1(bytes, 0, 8) !== 'PINNSNP\n') throw new Error('not a snapshot')
  const copy = Uint8Array.from(bytes.subarray(0, 128)) // a Buffer's slice would share
  copy.fill(0, 12, 16)
  if (crc32c(copy) !== view.getUint32(12, true)) throw new Error('the header is damaged')
  if (view.getUint16(8, true) !== 1) throw new Error('the version is not known')
  if (view.getBigUint64(16, true) !== 0n) throw new Error('needs a feature that is not known')
  if (!isZero(bytes, 128, headerBytes)) throw new Error('the header page is not zero behind it')
  if (view.getBigUint64(64, true) !== BigInt(bytes.length)) throw new Error('another length')
  const sequence = view.getBigUint64(48, true)
  const instruments = view.getUint32(84, true)

  let offset = headerBytes
  let sections = 0xffffffff
  const section = (type: number, instrument: number): Uint8Array => {
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
    sections = extend(sections, bytes, offset, begin)
    offset = padded
    return bytes.subarray(begin, begin + length)
  }

  const books = new PureBooks()
  const definitions = section(1, 0)
  if (definitions.length !== instruments * instrumentBytes) throw new Error('instruments are cut')
  for (let i = 0; i < instruments; i++) {
    const record = definitions.subarray(i * instrumentBytes, (i + 1) * instrumentBytes)
    const end = record.subarray(0, 32).indexOf(0)
    const name = Buffer.from(record.subarray(0, end < 0 ? 32 : end)).toString('utf8')
    const scales = viewOf(record)
    books.books.push(new PureBook(name, scales.getUint32(32, true), scales.getUint32(36, true)))
  }
  let orders = 0n
  for (const [index, book] of books.books.entries()) {
    orders += readBook(section(2, index + 1), book)
  }
  if (orders !== view.getBigUint64(72, true)) throw new Error('another number of orders')
  const userState = section(3, 0)
  if (BigInt(userState.length) !== view.getBigUint64(88, true)) {
    throw new Error('the user state has another length')
  }
  const footer = offset
  const right =
    footer + footerBytes === bytes.length &&
    latin1(bytes, footer, footer + 8) === 'PINNEND\n' &&
    view.getBigUint64(footer + 8, true) === sequence &&
    view.getBigUint64(footer + 16, true) === BigInt(bytes.length) &&
    view.getUint32(footer + 24, true) === ~sections >>> 0 &&
    view.getUint32(footer + 28, true) === crc32c(bytes, footer, footer + 28)
  if (!right) throw new Error('the footer does not fit')
  books.lastSequence = sequence
  return {
    sequence,
    timestampNs: view.getBigUint64(56, true),
    entryChecksum: view.getUint32(80, true),
    books,
    userState: Uint8Array.from(userState),
  }
}

/** Returns the number of orders. */
function readBook(content: Uint8Array, book: PureBook): bigint {
  const view = viewOf(content)
  let offset = 0
  let orders = 0n
  const word = (): bigint => {
    if (offset + 8 > content.length) throw new Error('a book is cut')
    offset += 8
    return view.getBigUint64(offset - 8, true)
  }
  for (const sell of [false, true]) {
    for (let levels = word(); levels > 0n; levels--) {
      const price = word()
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
