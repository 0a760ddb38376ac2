/** Garbage collections during a run, on the generator's clock. */
import { PerformanceObserver } from 'node:perf_hooks'

import { clockNs } from './clock.js'
import type { Stall } from './stalls.js'

export class GcWatch {
  readonly #collections: { fromNs: number; toNs: number }[] = []
  readonly #offsetNs = clockNs() - performance.now() * 1e6
  readonly #observer: PerformanceObserver

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        const fromNs = startTime * 1e6 + this.#offsetNs
        this.#collections.push({ fromNs, toNs: fromNs + duration * 1e6 })
      }
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** Attributes stalls that overlap a collection to it. */
  async attribute(stalls: Stall[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5))
    this.#observer.disconnect()
    for (const stall of stalls) {
      if (stall.cause === 'turn') continue
      const end = stall.atNs + stall.durationNs
      if (this.#collections.some(({ fromNs, toNs }) => fromNs < end && toNs > stall.atNs)) {
        stall.cause = 'collection'
      }
    }
  }
}
