/** Coinbase Exchange's list of subscriptions: `[{"name":"ticker","product_ids":["BTC-USD"]}]`. */
import { listOf, objectOf, textOf, type FramePlace } from './frame-checks.js'

export function subscriptionsOf(value: unknown, place: FramePlace): Record<string, string[]> {
  const items = listOf(value, 'channels')
  const listed: [string, string[]][] = []
  place.enter('channels')
  for (let index = 0; index < items.length; index++) {
    place.at(index)
    const item = objectOf(items[index], '')
    const channel = textOf(item.name, 'name')
    // Channels without products, such as `status`, may come without a list.
    const products = item.product_ids === undefined ? [] : listOf(item.product_ids, 'product_ids')
    listed.push([
      channel,
      // `status` lists one product without a name.
      products
        .map((product, at) => (product === '' ? '' : textOf(product, `product_ids[${String(at)}]`)))
        .filter((product) => product !== ''),
    ])
  }
  place.leave()
  // fromEntries defines properties: a channel called __proto__ stays a name.
  return Object.fromEntries(listed)
}
