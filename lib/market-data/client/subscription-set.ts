/**
 * The channels wanted per product, and what the exchange has confirmed. Implied channels (heartbeats)
 * accompany every subscription and end only with the connection: unsubscribing them for one product may end
 * them for all.
 */
import type { FeedSubscription } from '../feed-adapter.js'

/** By channel; an empty set is a channel without products. */
type Wanted = Map<string, Set<string>>

export class SubscriptionSet {
  readonly #implied: readonly string[]
  readonly #wanted: Wanted = new Map()

  constructor(impliedChannels: readonly string[]) {
    this.#implied = impliedChannels
  }

  get products(): string[] {
    return [...new Set([...this.#wanted.values()].flatMap((products) => [...products]))]
  }

  get channels(): string[] {
    return [...this.#wanted.keys()]
  }

  /** Adds, and returns what is newly wanted. */
  add({ products, channels }: FeedSubscription): FeedSubscription[] {
    const added: Wanted = new Map()
    for (const channel of new Set([...this.#implied, ...channels])) {
      const known = this.#wanted.get(channel)
      const fresh = products.filter((product) => !known?.has(product))
      if (known && fresh.length === 0) continue
      added.set(channel, new Set(fresh))
      this.#wanted.set(channel, new Set([...(known ?? []), ...products]))
    }
    return grouped(added)
  }

  /** Removes, and returns what was wanted. */
  remove({ products, channels }: FeedSubscription): FeedSubscription[] {
    const removed: Wanted = new Map()
    for (const channel of channels) {
      const known = this.#wanted.get(channel)
      if (!known || this.#implied.includes(channel)) continue
      const gone = products.filter((product) => known.delete(product))
      if (known.size === 0) this.#wanted.delete(channel)
      if (gone.length > 0 || (products.length === 0 && known.size === 0))
        removed.set(channel, new Set(gone))
    }
    const left = new Set(
      this.channels
        .filter((channel) => !this.#implied.includes(channel))
        .flatMap((channel) => [...(this.#wanted.get(channel) ?? [])]),
    )
    for (const channel of this.#implied) {
      const known = this.#wanted.get(channel)
      for (const product of products) if (!left.has(product)) known?.delete(product)
    }
    return grouped(removed)
  }

  /** Everything, in one subscription per distinct list of products. */
  all(): FeedSubscription[] {
    return grouped(this.#wanted)
  }

  /** The subscriptions to renew for a product's data. */
  ofProduct(product: string): FeedSubscription[] {
    const channels = this.channels.filter(
      (channel) => !this.#implied.includes(channel) && this.#wanted.get(channel)?.has(product),
    )
    return channels.length === 0 ? [] : [{ products: [product], channels }]
  }

  wantsProduct(product: string): boolean {
    return this.ofProduct(product).length > 0
  }

  /** Wanted subscriptions missing in the exchange's list, as `channel product`. */
  missingIn(confirmed: Readonly<Record<string, readonly string[]>>): string[] {
    const missing: string[] = []
    for (const [channel, products] of this.#wanted) {
      const listed = Object.hasOwn(confirmed, channel) ? confirmed[channel] : undefined
      // The exchange lists some channels under a word or an account of its own.
      const byProduct = listed?.some((word) => products.has(word)) ?? false
      if (listed && (!byProduct || products.size === 0)) continue
      if (products.size === 0) missing.push(channel)
      for (const product of products) {
        if (!listed?.includes(product)) missing.push(`${channel} ${product}`)
      }
    }
    return missing
  }
}

function grouped(wanted: Wanted): FeedSubscription[] {
  const groups = new Map<string, { products: string[]; channels: string[] }>()
  for (const [channel, products] of wanted) {
    const list = [...products].sort()
    const key = JSON.stringify(list)
    const group = groups.get(key)
    if (group) group.channels.push(channel)
    else groups.set(key, { products: [...products], channels: [channel] })
  }
  return [...groups.values()]
}
