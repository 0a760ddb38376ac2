/**
 * Runs a task one at a time. A request during a run gets the next run, which all such requests share: its
 * result is never older than the request.
 */
export class SingleFlight<Result> {
  readonly #task: () => Promise<Result>
  #running: Promise<unknown> | undefined
  #next: Promise<Result> | undefined

  constructor(task: () => Promise<Result>) {
    this.#task = task
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  run(): Promise<Result> {
    if (!this.#running) return this.#start()
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  /** Resolves once nothing runs and nothing waits to; never rejects. */
  async idle(): Promise<void> {
    while (this.#next ?? this.#running) {
      await Promise.allSettled([this.#running, this.#next])
    }
  }

  #start(): Promise<Result> {
    let end!: () => void
    const running = new Promise<void>((resolve) => {
      end = resolve
    })
    // Before the task starts: what the task itself calls must see it running.
    this.#running = running
    const run = this.#task()
    const ended = (): void => {
      if (this.#running === running) this.#running = undefined
      end()
    }
    run.then(ended, ended)
    return run
  }
}
