import { formatDecimal, parseDecimal } from '../decimal/decimal.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { NativeInstrument } from '../native/book-binding.js'

/** What a book holds: single orders (market by order) or levels' totals (market by price). */
export type BookKind = 'orders' | 'levels'

/** What defines an instrument. It never changes once it is journaled. */
export interface InstrumentDefinition {
  /** 1 to 32 bytes of UTF-8. */
  name: string
  /** Decimal places of a price, 0 to 15: price = ticks / 10^priceScale. */
  priceScale: number
  /** Decimal places of a quantity, 0 to 15: quantity = lots / 10^quantityScale. */
  quantityScale: number
  /** What the book holds. Default: 'orders'. */
  kind?: BookKind
  /** true: prices may be negative, down to -(2^53 - 1) ticks. Default: false. */
  signedPrices?: boolean
}

/** What a definition says and nothing else, of an instrument or of an entry that defines one. */
export function definitionOf(
  source: Omit<Required<InstrumentDefinition>, 'signedPrices'> & {
    signedPrices?: boolean | undefined
  },
): InstrumentDefinition & { kind: BookKind } {
  const { name, priceScale, quantityScale, kind, signedPrices = false } = source
  return { name, priceScale, quantityScale, kind, ...(signedPrices ? { signedPrices } : {}) }
}

/** An instrument as the journal defines it, and the exact conversions of its prices and quantities. */
export class Instrument {
  /** From 1 on, in the order of definition; entries name their instrument by it. */
  readonly index: number
  /** 1 to 32 bytes of UTF-8. */
  readonly name: string
  /** Decimal places of a price, 0 to 15. */
  readonly priceScale: number
  /** Decimal places of a quantity, 0 to 15. */
  readonly quantityScale: number
  /** What the book holds. */
  readonly kind: BookKind
  /** Prices may be negative. */
  readonly signedPrices: boolean

  /** @internal */
  constructor(definition: NativeInstrument) {
    this.index = definition.index
    this.name = definition.name
    this.priceScale = definition.priceScale
    this.quantityScale = definition.quantityScale
    this.kind = definition.kind
    this.signedPrices = definition.signedPrices ?? false
  }

  /**
   * Ticks of a decimal price: '64500.25' at scale 2 is 6450025. ERR_PINNACLE_DECIMAL_SYNTAX,
   * ERR_PINNACLE_DECIMAL_PRECISION (more decimal places than the scale), ERR_PINNACLE_DECIMAL_OVERFLOW.
   */
  ticks(price: string): number {
    return parseDecimal(price, this.priceScale)
  }

  /** Lots of a decimal quantity. Errors as of ticks(). */
  lots(quantity: string): number {
    return parseDecimal(quantity, this.quantityScale)
  }

  /** The decimal price of ticks, with all decimal places of the scale. */
  formatPrice(ticks: number): string {
    return formatDecimal(ticks, this.priceScale)
  }

  /** The decimal quantity of lots, with all decimal places of the scale. */
  formatQuantity(lots: number): string {
    return formatDecimal(lots, this.quantityScale)
  }
}

/** The error for an instrument that is not defined. */
export function unknownInstrument(name: string, known: readonly string[]): PinnacleError {
  const hint = didYouMean(name, known)
  const what = `there is no instrument "${name}"`
  const todo =
    known.length === 0
      ? 'define it first (defineInstrument, or "instruments" in the configuration)'
      : `${String(known.length)} are defined; define it first, or check its name`
  return new PinnacleError(
    'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
    hint === '' ? `${what}; ${todo}` : what + hint,
    { details: { instrument: name } },
  )
}
