/**
 * The kernel's counters for the measuring thread, read after each stall to explain it. Linux only; elsewhere
 * stalls stay unexplained.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export interface Counters {
  /** ns that the thread was ready to run while another had the core. */
  runDelayNs: number
  /** Number of times that it got a core. */
  slices: number
  minorFaults: number
  majorFaults: number
}

export class ThreadCounters {
  readonly #schedule: number
  readonly #stat: number
  readonly #buffer = Buffer.alloc(1024)

  static open(): ThreadCounters | undefined {
    try {
      return new ThreadCounters()
    } catch {
      return undefined
    }
  }

  private constructor() {
    // Node's main thread, whose thread id is the process id.
    const task = `/proc/self/task/${String(process.pid)}`
    this.#schedule = openSync(`${task}/schedstat`, 'r')
    this.#stat = openSync(`${task}/stat`, 'r')
  }

  read(): Counters {
    const [, runDelay, slices] = this.#fields(this.#schedule)
    // After the command's closing parenthesis: state, then numbers; minflt is the tenth field of all.
    const stat = this.#text(this.#stat)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      runDelayNs: Number(runDelay),
      slices: Number(slices),
      minorFaults: Number(fields[7]),
      majorFaults: Number(fields[9]),
    }
  }

  close(): void {
    closeSync(this.#schedule)
    closeSync(this.#stat)
  }

  #fields(descriptor: number): string[] {
    return this.#text(descriptor).trim().split(' ')
  }

  #text(descriptor: number): string {
    return this.#buffer.toString('latin1', 0, readSync(descriptor, this.#buffer, 0, 1024, 0))
  }
}
