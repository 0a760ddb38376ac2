/** The cells of a journal entry in the table of entries, and the format of its numbers. */

export interface EntryCells {
  side: string
  price: string
  quantity: string
  detail: string
}

/** Ticks and lots as decimals of the entry's instrument; unscaled if it has no instrument. */
export interface Scaled {
  readonly price: (ticks: number) => string
  readonly quantity: (lots: number) => string
}
