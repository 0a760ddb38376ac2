/** The cells that a journal entry fills in the table of entries, and how its numbers are written. */

export interface EntryCells {
  side: string
  price: string
  quantity: string
  detail: string
}

/** Ticks and lots as decimals of the entry's instrument; as they are where it has none. */
export interface Scaled {
  readonly price: (ticks: number) => string
  readonly quantity: (lots: number) => string
}
