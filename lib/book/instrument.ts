import { formatDecimal, parseDecimal } from '../decimal/decimal.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { NativeInstrument } from '../native/book-binding.js'

/** What a book holds: single orders (market by order) or levels' totals (market by price). */
export type BookKind = 'orders' | 'levels'

export interface InstrumentDefinition {
  /** 1 to 32 bytes of UTF-8. */
  name: string
  /** Decimal digits of a price: price = ticks / 10^priceScale. 0 to 15. */
  priceScale: number
  /** The same for quantities. */
  quantityScale: number
  /** Default: 'orders'. */
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
  /** 1-based; entries name their instrument by it. */
  readonly index: number
  readonly name: string
  readonly priceScale: number
  readonly quantityScale: number
  readonly kind: BookKind
  /** Prices may be negative. */
  readonly signedPrices: boolean

  constructor(definition: NativeInstrument) {
    this.index = definition.index
    this.name = definition.name
    this.priceScale = definition.priceScale
    this.quantityScale = definition.quantityScale
    this.kind = definition.kind
    this.signedPrices = definition.signedPrices ?? false
  }

  /** Ticks of a decimal price. */
  ticks(price: string): number {
    return parseDecimal(price, this.priceScale)
  }

  /** Lots of a decimal quantity. */
  lots(quantity: string): number {
    return parseDecimal(quantity, this.quantityScale)
  }

  formatPrice(ticks: number): string {
    return formatDecimal(ticks, this.priceScale)
  }

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
