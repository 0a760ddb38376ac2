/** The last added ids, up to a limit; the oldest are forgotten first. */
export class RecentIds {
  readonly #limit: number
  // A Set iterates in insertion order.
  readonly #ids: Set<string>

  constructor(limit: number, ids: readonly string[] = []) {
    this.#limit = limit
    this.#ids = new Set(ids)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.add(id)
    if (this.#ids.size <= this.#limit) return
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest)
      return
    }
  }

  /** Oldest first. */
  list(): string[] {
    return [...this.#ids]
  }
}
