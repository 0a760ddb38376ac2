/**
 * Makes hostile frames of harmless ones: flipped bytes, text that is cut, repeated or combined from two
 * frames, values of another type, names of the prototype, huge numbers, deep nesting, broken Unicode. A seed
 * repeats the same frames.
 */
import { Random } from '../../../lib/order-flow/random.js'

type Mutation = (frame: string, random: Random, other: string) => string

const values = [
  'null',
  'true',
  'false',
  '""',
  '[]',
  '{}',
  '0',
  '-0',
  '-1',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '0.1000000000000000055511151231257827',
  '123456789012345678901234567890123456789012345678901234567890',
  'NaN',
  'Infinity',
  '"NaN"',
  '"-Infinity"',
  '"1e309"',
  '"0x10"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1,"valueOf":2,"length":3}',
  '"\\u0000"',
  '"\\ud800"',
  '"\\uDC00x"',
  '"💰"',
  '"\u202e"',
  '"9999-99-99T99:99:99Z"',
  '"0001-01-01T00:00:00Z"',
  '[[[[[[[[1]]]]]]]]',
  '["buy","1","2"]',
  '[["buy","1","2"]]',
] as const
const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'channel',
  'type',
  'events',
  'e',
] as const
const characters = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '.',
  '-',
  '0',
  'e',
  '\u0000',
  '\ud83d',
  '\uffff',
  '٣',
] as const

const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[random.below(items.length)] as Item

/** The place of one of the frame's values: after a colon, an opening bracket or a comma. */
function valueAt(frame: string, random: Random): [number, number] | undefined {
  const pattern = /[:[,](?:"(?:[^"\\]|\\.)*"|-?[\d.]+|true|false|null)(?=[,\]}])/g
  pattern.lastIndex = random.below(frame.length + 1)
  const match = pattern.exec(frame)
  return match ? [match.index + 1, match.index + match[0].length] : undefined
}

function deep(random: Random): string {
  const levels = 1 + random.below(random.below(10) === 0 ? 20_000 : 300)
  return random.below(2) === 0
    ? '['.repeat(levels) + ']'.repeat(random.below(3) === 0 ? levels - 1 : levels)
    : '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
}

const mutations: readonly Mutation[] = [
  // A bit of a byte.
  (frame, random) => {
    const bytes = Buffer.from(frame)
    const at = random.below(bytes.length + 1)
    if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes.toString('utf8')
  },
  // One character for another.
  (frame, random) => {
    const at = random.below(frame.length + 1)
    return frame.slice(0, at) + pick(random, characters) + frame.slice(at + random.below(2))
  },
  (frame, random) => frame.slice(0, random.below(frame.length + 1)),
  (frame, random) => frame.slice(random.below(frame.length + 1)),
  // A piece omitted, or repeated.
  (frame, random) => {
    const [one, two] = [random.below(frame.length + 1), random.below(frame.length + 1)]
    return frame.slice(0, Math.max(one, two)) + frame.slice(Math.min(one, two))
  },
  (frame, random) => {
    const [one, two] = [random.below(frame.length + 1), random.below(frame.length + 1)]
    return frame.slice(0, Math.min(one, two)) + frame.slice(Math.max(one, two))
  },
  // Half of each frame.
  (frame, random, other) =>
    frame.slice(0, random.below(frame.length + 1)) + other.slice(random.below(other.length + 1)),
  // A value of another kind, or a list of many.
  (frame, random) => {
    const place = valueAt(frame, random)
    if (!place) return pick(random, values)
    return frame.slice(0, place[0]) + pick(random, values) + frame.slice(place[1])
  },
  (frame, random) => {
    const place = valueAt(frame, random)
    if (!place) return deep(random)
    return frame.slice(0, place[0]) + deep(random) + frame.slice(place[1])
  },
  // Digits: more, fewer, others. A valid frame stays valid, and names new products.
  (frame, random) =>
    frame.replace(/[A-Z]{3}(?=[-/"U])/g, () =>
      String.fromCharCode(65 + random.below(26), 65 + random.below(26), 65 + random.below(26)),
    ),
  (frame, random) =>
    frame.replace(/\d+/g, (digits) =>
      random.below(4) === 0 ? String(random.below(10 ** Math.min(9, digits.length))) : digits,
    ),
  // A renamed key, or an additional one.
  (frame, random) =>
    frame.replace(/"[a-z_]+":/g, (key) =>
      random.below(6) === 0 ? `"${pick(random, keys)}":` : key,
    ),
  (frame, random) => frame.replace('{', `{"${pick(random, keys)}":${pick(random, values)},`),
]

export class FrameMutator {
  readonly #random: Random

  constructor(
    readonly frames: readonly string[],
    seed: number,
  ) {
    this.#random = new Random(seed)
  }

  /** One in eight is unchanged: adapters with memory must stay in use. */
  next(): string {
    const random = this.#random
    const other = pick(random, this.frames)
    let frame = pick(random, this.frames)
    if (random.below(8) === 0) return frame
    for (let count = 1 + random.below(3); count > 0; count--) {
      frame = pick(random, mutations)(frame, random, other)
    }
    return frame
  }
}
