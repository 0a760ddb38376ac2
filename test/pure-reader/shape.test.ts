// The bytes at a place without a valid entry. The images are built by hand, and two methods search for
// flipped bits.
import t from 'tap'

import { readEntry, readHeader, type SegmentHeader } from '../../lib/pure-reader/segment.js'
import { shapeOf, type Shape } from '../../lib/pure-reader/shape.js'
import { register, SegmentImage } from './image.js'

const first = 4096
const at = (image: SegmentImage, offset: number): Shape => shapeOf(image.bytes, image.seed, offset)

/** A user's entry 1 of one line, or with a payload of this size. */
function entry(payloadBytes = 32, fill = 0x5a): SegmentImage {
  return new SegmentImage().entry({ sequence: 1, payload: Buffer.alloc(payloadBytes, fill) })
}

t.test('zeros are unwritten, and so is the end of the segment', async (t) => {
  const image = entry()
  t.equal(at(image, image.end), 'unwritten')
  t.equal(at(image, image.bytes.length), 'unwritten')
})

t.test('every flipped bit of a one-line entry is damage', async (t) => {
  const survivors: string[] = []
  for (let position = 0; position < 64; position++) {
    for (let bit = 0; bit < 8; bit++) {
      const shape = at(entry().flip(first + position, bit), first)
      if (shape !== 'damaged') survivors.push(`${position}.${bit}: ${shape}`)
    }
  }
  t.same(survivors, [])
})

t.test(
  'so is every flipped bit of longer entries, whatever zeros are in their payload',
  async (t) => {
    for (const [payloadBytes, fill] of [
      [480, 0],
      [1500, 0x5a],
      [70, 0],
    ] as const) {
      const survivors: string[] = []
      const { end } = entry(payloadBytes, fill)
      for (let position = 0; position < end - first; position += 3) {
        const shape = at(entry(payloadBytes, fill).flip(first + position, position % 8), first)
        if (shape !== 'damaged') survivors.push(`${position}: ${shape}`)
      }
      t.same(survivors, [], `${payloadBytes} bytes of ${fill}`)
    }
  },
)

t.test('a flipped bit of the length is damage, even if zeros are at an edge then', async (t) => {
  // With 16,384 more bytes the entry would end amid zeros, as if its end had not arrived.
  const image = entry(96).flip(first + 1, 6)
  t.equal(at(image, first), 'damaged')
  // Its shape alone would be torn: the same length with another payload has no flipped bit.
  image.bytes[first + 30] = 1
  t.equal(at(image, first), 'torn')
})

t.test('two flipped bits are damage if no edge is zero, and torn if one is', async (t) => {
  const whole = entry()
    .flip(first + 30, 1)
    .flip(first + 40, 1)
  t.equal(at(whole, first), 'damaged')
  const flags = entry().flip(first + 7, 4)
  t.equal(at(flags, first), 'damaged', 'flags that are not known')
  const cut = entry()
    .flip(first + 30, 1)
    .zero(first + 60, 4)
  t.equal(at(cut, first), 'torn', 'no checksum')
})

t.test('a line torn at any byte is torn', async (t) => {
  for (let cut = 1; cut < 64; cut++) {
    t.equal(at(entry().zero(first + cut, 64 - cut), first), 'torn', `to ${cut}`)
    if (cut >= 8) t.equal(at(entry().zero(first, cut), first), 'torn', `from ${cut}`)
  }
})

t.test('the edges of a share are its first and last byte, of each 512 in the file', async (t) => {
  const long = (): SegmentImage => {
    const image = new SegmentImage()
    image.end = 4096 + 5 * 64 // the first share has 192 bytes
    return image.entry({ sequence: 1, payload: Buffer.alloc(1500, 0x5a) })
  }
  const start = 4096 + 5 * 64
  const spoil = (image: SegmentImage, offset: number): SegmentImage =>
    image.flip(offset, 0).flip(offset + 1, 1)
  // Spoilt in the middle, by more than one bit.
  t.equal(at(spoil(long(), start + 100), start), 'damaged')
  for (const edge of [4096 + 511, 4096 + 512, 4096 + 1023, 4096 + 1024]) {
    t.equal(at(spoil(long(), start + 100).zero(edge, 1), start), 'torn', `zero at ${edge}`)
  }
  for (const inside of [4096 + 510, 4096 + 513]) {
    t.equal(at(spoil(long(), start + 100).zero(inside, 1), start), 'damaged', `zero at ${inside}`)
  }
  // The entry's own first byte is the length's lowest: it may be zero.
  const round = new SegmentImage().entry({ sequence: 1, payload: Buffer.alloc(256, 0x5a) })
  t.equal(round.bytes[first], 0)
  t.equal(at(spoil(round, first + 100), first), 'damaged')
})

t.test(
  'an entry of several sectors that lacks one is torn, though a bit explains it',
  async (t) => {
    const lacking = entry(1500, 0).flip(first + 100, 5)
    t.equal(at(lacking, first), 'torn', 'a sector of zeros')
    const image = entry(1500)
    const { end } = image
    t.equal(at(image.zero(end - 4, 4), first), 'torn', 'no checksum')
    const short = entry(480, 0).flip(first + 100, 5)
    t.equal(at(short, first), 'damaged', 'an entry of one sector has no such exception')
  },
)

t.test('bytes that can not be an entry of any kind are damage', async (t) => {
  const type = new SegmentImage().entry({ sequence: 1, type: 0x13 })
  const length = new SegmentImage().entry({ sequence: 1, type: 0x11, payload: Buffer.alloc(40, 1) })
  for (const flags of [0x10, 0x20, 0x40, 0x14, 0x18]) {
    const image = new SegmentImage().entry({ sequence: 1, flags })
    t.equal(readEntry(image.bytes, readHeader(image.bytes) as SegmentHeader, first), undefined)
    t.equal(at(image, first), 'damaged', `flags ${flags}`)
  }
  t.equal(at(type, first), 'damaged')
  t.equal(at(length, first), 'damaged')
  const far = entry()
  far.bytes.writeUInt32LE(1 << 20, first)
  t.equal(at(far, first), 'damaged', 'a length beyond the segment')
  far.bytes.writeUInt32LE(0xffffffff, first)
  t.equal(at(far, first), 'damaged', 'a length that none has')
})

/** Exhaustive: flips back every bit of the line. */
function isOneBit(line: Buffer, seed: number): boolean {
  const copy = Buffer.from(line)
  for (let bit = 0; bit < 512; bit++) {
    const position = bit >> 3
    copy[position] = (copy[position] ?? 0) ^ (1 << (bit & 7))
    if (register(seed, copy.subarray(0, 60)) === copy.readUInt32LE(60)) return true
    copy[position] = (copy[position] ?? 0) ^ (1 << (bit & 7))
  }
  return false
}

t.test('one flipped bit by linearity is what trying all bits finds', async (t) => {
  let random = 99
  const next = (below: number): number => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    return (random >>> 8) % below
  }
  let ones = 0
  for (let round = 0; round < 60; round++) {
    // A zero at the end, so that only the flipped bit distinguishes damage from a torn line.
    let image: SegmentImage
    let sequence = 1
    do image = new SegmentImage().entry({ sequence: sequence++ })
    while (image.bytes[first + 63] !== 0)
    for (let flips = 1 + (round % 3); flips > 0; flips--) image.flip(first + next(63), next(8))
    if (image.bytes.readUInt32LE(first) !== 32 || image.bytes[first + 6] !== 0x80) continue
    if (image.bytes[first + 7] !== 0x80) continue
    const one = isOneBit(image.bytes.subarray(first, first + 64), image.seed)
    ones += one ? 1 : 0
    t.equal(at(image, first), one ? 'damaged' : 'torn', `round ${round}`)
  }
  t.ok(ones > 5 && ones < 50, `${ones} of them are one bit`)
})
