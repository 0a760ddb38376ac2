/** A journaled order book driven by order-level updates, which needs only what FeedUpdate promises. */
import { orderIdFromUuid, uuidFromOrderId } from '../../../lib/book/order-id.js'
import { Side } from '../../../lib/book/side.js'
import type { FeedUpdate, OrderUpdate } from '../../../lib/market-data/feed-update.js'
import { PersistenceManager } from '../../../lib/persistence/persistence-manager.js'

export class UpdateOrderBook {
  private constructor(private readonly manager: PersistenceManager) {}

  static async create(
    dataDirectory: string,
    scales: { priceScale: number; quantityScale: number },
  ): Promise<UpdateOrderBook> {
    const manager = await PersistenceManager.open({
      dataDirectory,
      segmentSize: '1MiB',
      snapshotIntervalMin: 0,
      durability: 'appended',
      instruments: [{ name: 'BTC-USD', ...scales }],
    })
    return new UpdateOrderBook(manager)
  }

  get #book(): ReturnType<PersistenceManager['book']> {
    return this.manager.book('BTC-USD')
  }

  take(updates: readonly FeedUpdate[]): void {
    const book = this.#book
    const { instrument } = book
    for (const update of updates) {
      if (update.type === 'order') this.#order(update)
      if (update.type !== 'order-snapshot') continue
      book.clear()
      for (const { orderId, side, price, size } of update.orders) {
        book.add(orderIdFromUuid(orderId), side, instrument.ticks(price), instrument.lots(size))
      }
    }
  }

  #order({ event, orderId, side, price, size }: OrderUpdate): void {
    const book = this.#book
    const { instrument } = book
    const id = orderIdFromUuid(orderId)
    const open = book.order(id)
    const lots = size === undefined ? 0 : instrument.lots(size)
    if (event === 'open') {
      book.add(id, side, instrument.ticks(price ?? ''), lots)
      return
    }
    if (!open) return
    if (event === 'match') book.execute(id, lots)
    else if (event === 'done' || lots === 0) book.cancel(id)
    else book.replace(id, id, price === undefined ? open.price : instrument.ticks(price), lots)
  }

  /** `id side price size`, best first. */
  orders(): string[] {
    const book = this.#book
    const { instrument } = book
    return [Side.Buy, Side.Sell].flatMap((side) =>
      book
        .depth(side, 1000)
        .flatMap(({ price }) => book.levelOrders(side, price))
        .map(({ id, price, quantity }) =>
          [
            uuidFromOrderId(id),
            side === Side.Buy ? 'buy' : 'sell',
            instrument.formatPrice(price),
            instrument.formatQuantity(quantity),
          ].join(' '),
        ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close()
  }
}
