/**
 * Keeps every core but one busy with an empty loop, to measure what another busy thread alone costs the first
 * one on this machine (a hypervisor that shares its processors, hyper-threads, power limits).
 */
import os from 'node:os'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const spin = `
  const { parentPort, workerData } = require('node:worker_threads')
  const spinning = new Int32Array(workerData)
  parentPort.postMessage('ready')
  for (;;) {
    Atomics.wait(spinning, 0, 0)
    while (Atomics.load(spinning, 0) === 1);
  }
`

export class BusyCores {
  readonly #workers: Worker[]
  readonly #spinning: Int32Array

  static async start(): Promise<BusyCores> {
    const shared = new SharedArrayBuffer(4)
    const workers = Array.from(
      { length: os.availableParallelism() - 1 },
      () => new Worker(spin, { eval: true, workerData: shared }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return new BusyCores(workers, new Int32Array(shared))
  }

  private constructor(workers: Worker[], spinning: Int32Array) {
    this.#workers = workers
    this.#spinning = spinning
  }

  set busy(wanted: boolean) {
    Atomics.store(this.#spinning, 0, wanted ? 1 : 0)
    Atomics.notify(this.#spinning, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}
