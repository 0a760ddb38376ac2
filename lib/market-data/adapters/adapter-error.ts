/** Codes of the adapters. docs/errors.md says what each means and what to do. */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import type { FeedSubscription } from '../feed-adapter.js'

export const AdapterCode = {
  /** There is no adapter of this name. */
  UnknownExchange: 'ERR_PINNACLE_FEED_UNKNOWN_EXCHANGE',
  /** A channel that the exchange does not have, or no product where one is needed. */
  InvalidSubscription: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
} as const
export type AdapterCode = (typeof AdapterCode)[keyof typeof AdapterCode]

/**
 * Throws where a channel is not the exchange's, or where there is no product. The latter matters: some
 * exchanges take an empty list for all products that they have.
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
