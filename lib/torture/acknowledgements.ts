/**
 * What a writer asks the engine to make durable, and what counts as acknowledged afterwards: what was
 * asked for, whatever number the answer has. An engine that answers too early names a frontier that is
 * right for a power cut and wrong for its caller, who waited for his own sequence.
 *
 * Each acknowledgement goes to the pipe before the answer is looked at, so that an answer that
 * contradicts the question is evidence as well as an error.
 */
import { Word } from './testimony.js'

/** What is asked; a PersistenceManager. */
export interface Committer {
  durable(sequence?: number): Promise<number>
  syncNow(): number
  readonly durableFrontier: number
}

export class Acknowledgements {
  readonly #committer: Committer
  readonly #say: (...pairs: number[]) => void
  #waiting = 0

  constructor(committer: Committer, say: (...pairs: number[]) => void) {
    this.#committer = committer
    this.#say = say
  }

  /** Waits for durable() that are pending. */
  get waiting(): number {
    return this.#waiting
  }

  /** Waits until `asked` is durable. `named`: the call names the sequence, otherwise it means the last. */
  async wait(asked: number, named = true): Promise<void> {
    this.#say(Word.waiting, ++this.#waiting)
    const answered = await (named ? this.#committer.durable(asked) : this.#committer.durable())
    this.#say(Word.durable, asked, Word.durable, answered, Word.waiting, --this.#waiting)
    assertCovers('durable()', asked, answered)
  }

  /** The blocking sync; `appended` is the last sequence that had returned before the call. */
  sync(appended: number): void {
    const answered = this.#committer.syncNow()
    this.#say(Word.durable, appended, Word.durable, answered)
    assertCovers('syncNow()', appended, answered)
  }

  /** With durability 'durable', an operation that returns is acknowledged. */
  returned(sequence: number): void {
    this.#say(Word.returned, sequence, Word.durable, sequence)
    assertCovers('an append', sequence, this.#committer.durableFrontier)
  }

  /** The frontier is a promise too, whichever call moved it. */
  frontier(): void {
    this.#say(Word.durable, this.#committer.durableFrontier)
  }
}

function assertCovers(call: string, asked: number, answered: number): void {
  if (answered >= asked) return
  throw new Error(
    `${call} was asked for entry ${String(asked)} and answered ${String(answered)}, which is less`,
  )
}
