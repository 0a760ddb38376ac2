/**
 * The best levels of a product as Kraken's receivers keep them, in the exchange's own text. Two of Kraken's
 * rules need a book. It drops levels that others push below the subscribed depth without a message, so this
 * book makes the removals. And each message's checksum covers the ten best levels of each side after the
 * message.
 *
 * Invariant: each side is sorted from the best price on, with no two levels of one price and no empty levels.
 */
import { Side } from '../../book/side.js'
import type { LevelChange } from '../feed-update.js'
import { crc32Add, crc32End, crc32Start } from './crc32.js'
import { compareDecimals, isZeroDecimal } from './decimal-order.js'

interface Level {
  readonly price: string
  size: string
}

const checksumLevels = 10
const point = 46
const zero = 48

export class KrakenBook {
  readonly #bids: Level[] = []
  readonly #asks: Level[] = []

  constructor(readonly depth: number) {}

  /** Sets the level's size; zero removes it. */
  set({ side, price, size }: LevelChange): void {
    const levels = side === Side.Buy ? this.#bids : this.#asks
    const at = positionOf(levels, side, price)
    const level = levels[at]
    const isThere = level !== undefined && compareDecimals(level.price, price) === 0
    if (isZeroDecimal(size)) {
      if (isThere) levels.splice(at, 1)
    } else if (isThere) {
      level.size = size
    } else {
      levels.splice(at, 0, { price, size })
    }
  }

  /** Drops the levels below the depth, and adds their removals to the changes. */
  trim(changes: LevelChange[]): void {
    for (const side of [Side.Buy, Side.Sell]) {
      const levels = side === Side.Buy ? this.#bids : this.#asks
      for (const { price } of levels.splice(this.depth)) changes.push({ side, price, size: '0' })
    }
  }

  /**
   * Kraken's checksum: asks, then bids, from the best on; the digits of price and size without leading zeros.
   */
  checksum(): number {
    let crc = crc32Start
    for (const levels of [this.#asks, this.#bids]) {
      const count = Math.min(levels.length, checksumLevels)
      for (let index = 0; index < count; index++) {
        const level = levels[index]!
        crc = addDigits(addDigits(crc, level.price), level.size)
      }
    }
    return crc32End(crc)
  }

  /** All levels from the best on. */
  levels(side: Side): readonly Readonly<Level>[] {
    return side === Side.Buy ? this.#bids : this.#asks
  }
}

/** The index at which the price is, or belongs. */
function positionOf(levels: readonly Level[], side: Side, price: string): number {
  let low = 0
  let high = levels.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareDecimals(levels[middle]!.price, price)
    const isBetter = side === Side.Buy ? order > 0 : order < 0
    if (isBetter) low = middle + 1
    else high = middle
  }
  return low
}

function addDigits(crc: number, decimal: string): number {
  let value = crc
  let isFront = true
  for (let at = 0; at < decimal.length; at++) {
    const code = decimal.charCodeAt(at)
    if (code === point || (isFront && code === zero)) continue
    isFront = false
    value = crc32Add(value, code)
  }
  return value
}
