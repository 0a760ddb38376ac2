/**
 * Writes the flow's events, one at a time or in batches, and says each step on the pipe: what it is about
 * to attempt, and what has returned. On a full disk it tries again; a refusal may leave no trace.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Book } from '../book/book.js'
import type { OperationBatch } from '../book/operation-batch.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import type { Acknowledgements } from './acknowledgements.js'
import { applyEvent, booksOf, stageEvent, type BookEvent } from './apply-event.js'
import { instrumentCount, TortureFlow, type TortureEvent } from './flow.js'
import type { LiveCheck } from './live-check.js'
import { Word, type Speaker } from './testimony.js'
import type { WriterPlan } from './writer-plan.js'

const retryMs = 4

export class EventWriter {
  readonly #plan: WriterPlan
  readonly #manager: PersistenceManager
  readonly #speaker: Speaker
  readonly #acknowledgements: Acknowledgements
  readonly #liveCheck: LiveCheck
  readonly #flow: TortureFlow
  readonly #books: readonly Book[]
  readonly #batch: OperationBatch
  #written: number
  /** Set from outside: what is refused is given up. */
  stopping = false

  constructor(
    plan: WriterPlan,
    manager: PersistenceManager,
    speaker: Speaker,
    acknowledgements: Acknowledgements,
    liveCheck: LiveCheck,
  ) {
    this.#plan = plan
    this.#manager = manager
    this.#speaker = speaker
    this.#acknowledgements = acknowledgements
    this.#liveCheck = liveCheck
    this.#written = manager.appendedFrontier
    this.#flow = new TortureFlow(plan.flowSeed)
    this.#flow.skip(this.#written - instrumentCount)
    this.#books = booksOf(manager)
    this.#batch = manager.batch()
  }

  /** The last sequence written. */
  get written(): number {
    return this.#written
  }

  /** Whether the directory has as many entries as it should get. */
  get full(): boolean {
    return this.#flow.events >= this.#plan.mostEvents
  }

  /** Writes the next event. */
  async writeOne(): Promise<void> {
    await this.#take(this.#flow.next())
  }

  /**
   * Writes up to `most` events in one call, and the payload that ends them. Returns how many it took from
   * the flow.
   */
  async writeBatch(most: number): Promise<number> {
    const staged: BookEvent[] = []
    let last: TortureEvent | undefined
    while (staged.length < most && last === undefined) {
      const event = this.#flow.next()
      if (event.kind === 'payload') last = event
      else staged.push(event)
    }
    let done = 0
    this.#speaker.say(Word.attempted, this.#written + staged.length)
    const taken = await this.#insist(() => {
      for (const event of staged.slice(done)) stageEvent(this.#batch, this.#books, event)
      try {
        const { taken, lastSequence } = this.#batch.commit()
        done += taken
        if (taken > 0) this.#returned(lastSequence, taken)
      } catch (error) {
        const taken = takenOf(error)
        done += taken
        if (taken > 0) this.#returned(this.#written + taken, taken)
        throw error
      }
    })
    // After operations that were given up, the payload would come out of order.
    if (!taken) return most
    if (last !== undefined) await this.#take(last)
    return staged.length + (last === undefined ? 0 : 1)
  }

  async #take(event: TortureEvent): Promise<void> {
    this.#speaker.say(Word.attempted, this.#written + 1)
    await this.#insist(() => {
      this.#returned(applyEvent(this.#manager, this.#books, event), 1)
    })
  }

  #returned(sequence: number, taken: number): void {
    this.#written += taken
    if (sequence !== this.#written) {
      throw new Error(
        `sequence ${String(sequence)} was returned instead of ${String(this.#written)}`,
      )
    }
    if (this.#plan.durability === 'durable') this.#acknowledgements.returned(sequence)
    else this.#speaker.say(Word.returned, sequence)
  }

  /** Tries again for as long as the disk is full. false: given up. */
  async #insist(attempt: () => void): Promise<boolean> {
    let refusals = 0
    for (;;) {
      try {
        attempt()
        if (refusals > 0) this.#speaker.say(Word.accepted, refusals)
        return true
      } catch (error) {
        if (!this.#plan.expectFull || !isFull(error)) throw error
        this.#speaker.say(Word.refused, this.#written + 1)
        if (refusals++ === 0) this.#liveCheck.compare('after a refusal', this.#written)
        if (this.stopping) return false
        await sleep(retryMs)
      }
    }
  }
}

export function isFull(error: unknown): boolean {
  return isPinnacleError(error) && error.code === 'ERR_PINNACLE_NO_SPACE'
}

function takenOf(error: unknown): number {
  const taken = (error as { details?: { taken?: unknown } }).details?.taken
  return typeof taken === 'number' ? taken : 0
}
