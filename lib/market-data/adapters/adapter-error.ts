/** Codes of the adapters. docs/errors.md explains each and says what to do. */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import type { FeedSubscription } from '../feed-adapter.js'

export const AdapterCode = {
  /** No adapter has this name. */
  UnknownExchange: 'ERR_PINNACLE_FEED_UNKNOWN_EXCHANGE',
  /** A channel that the exchange does not have, or a missing product. */
  InvalidSubscription: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
} as const
/** One of these codes. */
export type AdapterCode = (typeof AdapterCode)[keyof typeof AdapterCode]

/**
 * Throws when the exchange does not have a channel, or when a product is missing. The second check matters:
 * some exchanges read an empty list as all of their products.
 */
export function checkSubscription(
  exchange: string,
  subscription: FeedSubscription,
  channels: readonly string[],
  withoutProducts: readonly string[],
): void {
  for (const channel of subscription.channels) {
    if (!channels.includes(channel)) {
      throw new PinnacleTypeError(
        AdapterCode.InvalidSubscription,
        `${exchange} has no channel ${shown(channel)}; its channels are ${channels.join(', ')}`,
        { details: { exchange, channel, channels } },
      )
    }
    if (subscription.products.length === 0 && !withoutProducts.includes(channel)) {
      throw new PinnacleTypeError(
        AdapterCode.InvalidSubscription,
        `channel ${shown(channel)} of ${exchange} needs at least one product; name what to subscribe to`,
        { details: { exchange, channel } },
      )
    }
  }
}
