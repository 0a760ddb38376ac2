/** The side of an order or a level. */
export const Side = {
  /** Bids, and the buyer of a trade. */
  Buy: 0,
  /** Asks, and the seller of a trade. */
  Sell: 1,
} as const
/** 0 (buy) or 1 (sell). */
export type Side = (typeof Side)[keyof typeof Side]
