/**
 * Fetches the books of one connection over HTTPS, for channels whose stream starts without one. It requests a
 * book once the stream is subscribed, and again after a gap in the stream; meanwhile the updates wait.
 *
 * Invariants: a book is delivered in one piece, followed by the updates that it does not contain (held-book
 * has the rule); at most one request per product is under way, and at most `maxRequests` in all; a failed
 * request is reported and retried with backoff; nothing is delivered after `stop`.
 */
import { isPinnacleError, type CodedError } from '../../errors/pinnacle-error.js'
import type { FeedAdapter } from '../feed-adapter.js'
import type { ParsedFrame } from '../feed-update.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import { FeedCode, feedError } from './errors.js'
import type { FeedClock, FeedDelivery } from './feed-events.js'
import { HeldBook, type Hole } from './held-book.js'
import { fetchPinned, type PinnedFetchOptions } from './pinned-fetch.js'
import type { SubscriptionSet } from './subscription-set.js'

export interface BookFetcherOptions {
  readonly adapter: FeedAdapter
  readonly wanted: SubscriptionSet
  readonly connection: number
  /** Maps the adapter's address to the one to fetch; null if the book is not to be fetched. */
  readonly addressOf: (url: string) => URL | null
  readonly request: Omit<PinnedFetchOptions, 'url' | 'signal'>
  readonly backoff: BackoffOptions | undefined
  readonly random: (() => number) | undefined
  /** A book that held this long resets the backoff. */
  readonly stableAfterMs: number
  /**
   * Frames and bytes that may wait for books; above that, a product's updates are dropped for a later book.
   */
  readonly maxHeldFrames: number
  readonly maxHeldBytes: number
  readonly clock: FeedClock
  /** Receives every delivery. */
  readonly deliver: (delivery: FeedDelivery) => void
  /** The stream does not continue from the book. */
  readonly onGap: (product: string, hole: Hole) => void
  readonly onProblem: (problem: CodedError) => void
}

interface Fetched {
  readonly url: URL
  readonly book: HeldBook
  readonly backoff: Backoff
  readonly abort: AbortController
  step: 'idle' | 'queued' | 'asking' | 'pausing' | 'done'
  timer: unknown
  acceptedNs: bigint
}

/** Requests under way at once; exchanges limit them. */
const maxRequests = 4
const nsPerMs = 1_000_000n
const maxTimerMs = 2 ** 31 - 1

export class BookFetcher {
  readonly #options: BookFetcherOptions
  readonly #books = new Map<string, Fetched>()
  readonly #queue: string[] = []
  #asking = 0
  #heldFrames = 0
  #heldBytes = 0
  #stopped = false

  constructor(options: BookFetcherOptions) {
    this.#options = options
    this.update()
  }

  /** The wanted subscriptions have changed. */
  update(): void {
    const { adapter, wanted, addressOf, backoff, random } = this.#options
    for (const product of new Set([...wanted.products, ...this.#books.keys()])) {
      const channels = wanted.ofProduct(product)[0]?.channels ?? []
      const text = adapter.bookSnapshotUrl?.(product, channels)
      const url = text === undefined ? null : addressOf(text)
      if (!url) this.#forget(product)
      else if (!this.#books.has(product)) {
        this.#books.set(product, {
          url,
          book: new HeldBook(product),
          backoff: new Backoff(backoff, random),
          abort: new AbortController(),
          step: 'idle',
          timer: undefined,
          acceptedNs: 0n,
        })
      }
    }
  }

  fetches(product: string): boolean {
    return this.#books.has(product)
  }

  /** The part of a new frame to deliver now; undefined if there is none. */
  take(delivery: FeedDelivery): FeedDelivery | undefined {
    const { parsed } = delivery
    if (this.#books.size === 0 || parsed.kind !== 'updates') return delivery
    let left: FeedDelivery | undefined = delivery
    for (const sequence of parsed.sequences) {
      const product = sequence.scope
      const fetched = this.#books.get(product)
      if (!fetched || !left) continue
      const hole = fetched.book.holeBefore(sequence)
      if (hole) {
        this.#options.onGap(product, hole)
        this.restart(product, sequence.first)
      }
      const held = this.#measure(fetched)
      left = fetched.book.take(left, sequence)
      this.#account(fetched, held)
      if (this.#isTooMuch()) this.#restart(fetched)
      this.#begin(product, fetched)
    }
    for (const update of parsed.updates) {
      if (update.type !== 'subscriptions') continue
      for (const product of Object.values(update.channels).flat()) {
        const fetched = this.#books.get(product)
        if (fetched) this.#begin(product, fetched)
      }
    }
    return left
  }

  /**
   * Fetches the product's book again; it must contain everything before `first`, or everything seen so far.
   */
  restart(product: string, first?: number): void {
    const fetched = this.#books.get(product)
    if (!fetched) return
    this.#restart(fetched, first)
    if (fetched.step !== 'done') return // a request under way is judged when it arrives
    const { clock, stableAfterMs } = this.#options
    if (clock.monotonicNs() - fetched.acceptedNs >= BigInt(stableAfterMs) * nsPerMs) {
      fetched.backoff.reset()
      fetched.step = 'idle'
      this.#begin(product, fetched)
    } else {
      this.#later(product, fetched, 0)
    }
  }

  /** Number of frames that this drops, and when the oldest arrived. */
  stop(): { frames: number; sinceNs: bigint | null } {
    let sinceNs: bigint | null = null
    const frames = this.#heldFrames
    for (const [product, { book }] of this.#books) {
      const since = book.sinceNs
      if (since !== null && (sinceNs === null || since < sinceNs)) sinceNs = since
      this.#forget(product)
    }
    this.#stopped = true
    return { frames, sinceNs }
  }

  #forget(product: string): void {
    const fetched = this.#books.get(product)
    if (!fetched) return
    this.#books.delete(product)
    this.#restart(fetched)
    this.#options.clock.clearTimeout(fetched.timer)
    fetched.abort.abort()
  }

  #restart(fetched: Fetched, first?: number): void {
    const held = this.#measure(fetched)
    fetched.book.restart(first)
    this.#account(fetched, held)
  }

  #measure({ book }: Fetched): { frames: number; bytes: number } {
    return { frames: book.frames, bytes: book.bytes }
  }

  #account({ book }: Fetched, before: { frames: number; bytes: number }): void {
    this.#heldFrames += book.frames - before.frames
    this.#heldBytes += book.bytes - before.bytes
  }

  #isTooMuch(): boolean {
    const { maxHeldFrames, maxHeldBytes } = this.#options
    return this.#heldFrames > maxHeldFrames || this.#heldBytes > maxHeldBytes
  }

  #begin(product: string, fetched: Fetched): void {
    if (fetched.step !== 'idle' || this.#stopped) return
    fetched.step = 'queued'
    this.#queue.push(product)
    this.#next()
  }

  #next(): void {
    while (this.#asking < maxRequests) {
      const product = this.#queue.shift()
      if (product === undefined) return
      const fetched = this.#books.get(product)
      if (fetched?.step !== 'queued') continue // it is no longer wanted
      fetched.step = 'asking'
      ++this.#asking
      void this.#ask(product, fetched).finally(() => {
        --this.#asking
        this.#next()
      })
    }
  }

  async #ask(product: string, fetched: Fetched): Promise<void> {
    const { request, onProblem } = this.#options
    const { url, abort } = fetched
    let retryAfterMs = 0
    let problem: CodedError | undefined
    try {
      const body = await fetchPinned({ ...request, url, signal: abort.signal })
      if (abort.signal.aborted) return
      problem = this.#judge(product, fetched, body)
    } catch (error) {
      if (abort.signal.aborted) return
      problem = isPinnacleError(error) ? error : unreadable(product, error)
      retryAfterMs = Number(problem.details?.['retryAfterMs'] ?? 0)
    }
    if (!problem) return
    this.#later(product, fetched, retryAfterMs)
    onProblem(problem)
  }

  #later(product: string, fetched: Fetched, leastMs: number): void {
    const waitMs = Math.min(Math.max(fetched.backoff.nextMs(), leastMs), maxTimerMs)
    fetched.step = 'pausing'
    fetched.timer = this.#options.clock.setTimeout(() => {
      fetched.step = 'idle'
      this.#begin(product, fetched)
    }, waitMs)
  }

  /** Delivers the book and the updates that waited for it; or returns why not. */
  #judge(product: string, fetched: Fetched, body: Buffer): CodedError | undefined {
    const { adapter, connection, clock, deliver } = this.#options
    const receivedMonotonicNs = clock.monotonicNs()
    const receivedNs = clock.realtimeNs()
    const read = readBook(adapter, product, body)
    if ('reason' in read) return unreadable(product, read.reason)
    const { text, parsed, number } = read
    const { book } = fetched
    const needed = book.neededNumber
    const held = this.#measure(fetched)
    const behind = book.accept(number)
    if (!behind) {
      return feedError(
        FeedCode.BookStale,
        `the book of ${product} ends with number ${String(number)}, and the updates here begin after ` +
          `${String(needed)}; the client fetches a later one`,
        { details: { product, number, needed } },
      )
    }
    this.#account(fetched, held)
    fetched.step = 'done'
    fetched.acceptedNs = receivedMonotonicNs
    const sequences = [{ scope: product, first: number, last: number }]
    deliver({
      frame: { text, bytes: body, receivedMonotonicNs, receivedNs, connection },
      parsed: { ...parsed, sequences },
    })
    for (const delivery of behind) deliver(delivery)
    return undefined
  }
}

type ReadBook =
  | { text: string; parsed: Extract<ParsedFrame, { kind: 'updates' }>; number: number }
  | { reason: unknown }

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readBook(adapter: FeedAdapter, product: string, body: Buffer): ReadBook {
  let text: string
  let parsed: ParsedFrame | undefined
  try {
    text = utf8.decode(body)
    parsed = adapter.parseBookSnapshot?.(product, text)
  } catch (error) {
    return { reason: error } // broken UTF-8, or an adapter that breaks its promise
  }
  if (parsed?.kind === 'malformed') return { reason: parsed.reason }
  const [update, ...more] = parsed?.kind === 'updates' ? parsed.updates : []
  if (
    parsed?.kind !== 'updates' ||
    (update?.type !== 'book-snapshot' && update?.type !== 'order-snapshot') ||
    update.product !== product ||
    update.sequence === undefined ||
    more.length > 0
  ) {
    return { reason: `the adapter ${adapter.name} read no numbered book in it` }
  }
  return { text, parsed, number: update.sequence }
}

function unreadable(product: string, why: unknown): CodedError {
  const reason = why instanceof Error ? why.message : String(why)
  return feedError(
    FeedCode.BookMalformed,
    `the book of ${product} is not in the exchange's documented form: ${reason}; the client fetches it again`,
    { details: { product, reason }, ...(why instanceof Error ? { cause: why } : {}) },
  )
}
