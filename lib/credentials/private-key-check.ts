/**
 * Whether bytes are a private key as exchanges hand them out, judged in place: OpenSSL's own parser
 * would leave decoded copies of the key on the heap.
 *
 * Known: PEM "EC PRIVATE KEY" (SEC 1) and "PRIVATE KEY" (PKCS #8) on P-256, with a scalar 1 .. n - 1;
 * and base64 of a 64-byte Ed25519 key.
 */
import { SecretBuffer } from '../secure/secret-buffer.js'

const base64Values = new Int8Array(128).fill(-1)
const base64Alphabet = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
)
for (const [value, byte] of base64Alphabet.entries()) base64Values[byte] = value

/** Decodes padded base64, white space between lines allowed if `lines`. Undefined if malformed. */
export function decodeBase64(text: Uint8Array, lines = false): SecretBuffer | undefined {
  using room = SecretBuffer.allocate(Math.ceil(text.length / 4) * 3)
  let bits = 0
  let count = 0
  let padding = 0
  let length = 0
  for (const byte of text) {
    if (lines && (byte === 0x0a || byte === 0x0d)) continue
    if (byte === 0x3d) {
      padding++
      continue
    }
    const value = byte < 128 ? (base64Values[byte] ?? -1) : -1
    if (value < 0 || padding > 0) return undefined
    bits = ((bits << 6) | value) & 0xffffff
    count++
    if (count % 4 === 0) {
      room.bytes[length++] = bits >> 16
      room.bytes[length++] = (bits >> 8) & 0xff
      room.bytes[length++] = bits & 0xff
    }
  }
  const rest = count % 4
  if ((count + padding) % 4 !== 0 || padding > 2 || rest === 1) return undefined
  if (rest === 2) {
    if ((bits & 0xf) !== 0) return undefined
    room.bytes[length++] = (bits >> 4) & 0xff
  } else if (rest === 3) {
    if ((bits & 0x3) !== 0) return undefined
    room.bytes[length++] = (bits >> 10) & 0xff
    room.bytes[length++] = (bits >> 2) & 0xff
  }
  return room.copy(0, length)
}

/** The base64 body of a PEM block with this label, as a view; undefined if there is no such block. */
function pemBody(text: Uint8Array, label: string): Uint8Array | undefined {
  const whole = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  const head = Buffer.from(`-----BEGIN ${label}-----\n`)
  const foot = Buffer.from(`-----END ${label}-----`)
  if (!whole.subarray(0, head.length).equals(head)) return undefined
  const end = whole.indexOf(foot)
  if (end < 0 || whole[end - 1] !== 0x0a) return undefined
  for (const byte of whole.subarray(end + foot.length)) {
    if (byte !== 0x0a && byte !== 0x0d) return undefined
  }
  return whole.subarray(head.length, end)
}

/** One DER element: its content, and what follows it. Definite lengths below 64 KiB. */
function element(
  der: Uint8Array,
  tag: number,
): { content: Uint8Array; rest: Uint8Array } | undefined {
  if (der.length < 2 || der[0] !== tag) return undefined
  let length = der[1]!
  let at = 2
  if (length >= 0x80) {
    const bytes = length & 0x7f
    if (bytes < 1 || bytes > 2 || der.length < 2 + bytes) return undefined
    length = 0
    for (let i = 0; i < bytes; i++) length = length * 256 + der[at++]!
    if (length < 0x80 || (bytes === 2 && length < 0x100)) return undefined
  }
  if (der.length < at + length) return undefined
  return { content: der.subarray(at, at + length), rest: der.subarray(at + length) }
}

const [sequence, integer, octets, objectId, explicit0] = [0x30, 0x02, 0x04, 0x06, 0xa0]
const p256 = Buffer.from('2a8648ce3d030107', 'hex')
const ecPublicKey = Buffer.from('2a8648ce3d0201', 'hex')
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

function isObjectId(der: Uint8Array | undefined, wanted: Buffer): boolean {
  const id = der && element(der, objectId)
  return id !== undefined && wanted.equals(id.content)
}

/** In constant time: 1 <= scalar < order. */
function isScalar(scalar: Uint8Array): boolean {
  if (scalar.length !== order.length) return false
  let any = 0
  let borrow = 0
  for (let i = order.length - 1; i >= 0; i--) {
    any |= scalar[i]!
    borrow = ((scalar[i]! - order[i]! - borrow) >> 31) & 1
  }
  return any !== 0 && borrow === 1
}

/** RFC 5915. `named`: the key itself names the curve. */
function isSec1(der: Uint8Array, named: boolean): boolean {
  const outer = element(der, sequence)
  const version = outer && element(outer.content, integer)
  const scalar = version && element(version.rest, octets)
  if (!outer || outer.rest.length !== 0 || !version || !scalar) return false
  if (version.content.length !== 1 || version.content[0] !== 1) return false
  const curve = element(scalar.rest, explicit0)
  if (curve ? !isObjectId(curve.content, p256) : named) return false
  return isScalar(scalar.content)
}

/** RFC 5958. */
function isPkcs8(der: Uint8Array): boolean {
  const outer = element(der, sequence)
  const version = outer && element(outer.content, integer)
  const algorithm = version && element(version.rest, sequence)
  const key = algorithm && element(algorithm.rest, octets)
  if (!outer || outer.rest.length !== 0 || !algorithm || !key) return false
  const kind = element(algorithm.content, objectId)
  if (!kind || !isObjectId(algorithm.content, ecPublicKey) || !isObjectId(kind.rest, p256)) {
    return false
  }
  return isSec1(key.content, false)
}

export function isEcPrivateKeyPem(text: Uint8Array): boolean {
  for (const [label, accepts] of [
    ['EC PRIVATE KEY', (der: Uint8Array): boolean => isSec1(der, true)],
    ['PRIVATE KEY', isPkcs8],
  ] as const) {
    const body = pemBody(text, label)
    if (!body) continue
    using der = decodeBase64(body, true)
    return der !== undefined && accepts(der.bytes)
  }
  return false
}

export function isEd25519KeyBase64(text: Uint8Array): boolean {
  using key = decodeBase64(text)
  return key?.length === 64
}
