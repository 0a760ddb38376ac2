/**
 * A bounded map by product. Names come from the exchange, and an exchange that invents names forever must not
 * fill the memory.
 */
import { bad, maxProducts } from './frame-checks.js'

export class KnownProducts<Value> {
  readonly #values = new Map<string, Value>()

  get(product: string): Value | undefined {
    return this.#values.get(product)
  }

  has(product: string): boolean {
    return this.#values.has(product)
  }

  /** Makes the frame malformed if the limit is exceeded; `field` is the one that named the product. */
  set(product: string, value: Value, field: string): void {
    if (this.#values.size >= maxProducts && !this.#values.has(product)) {
      throw bad(field, `one of at most ${String(maxProducts)} products of a connection`, product)
    }
    this.#values.set(product, value)
  }

  delete(product: string): void {
    this.#values.delete(product)
  }

  keys(): IterableIterator<string> {
    return this.#values.keys()
  }
}
