/** Distributes the images over worker processes and sums up their results. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fork } from '../children.js'
import { Tally } from './counts.js'
import { imagesPerBase, type ImageResult } from './image.js'
import type { WorkAnswer, WorkRequest } from './worker.js'

export interface CampaignOptions {
  seed: number
  images: number
  /** Checks only this image. */
  image?: number | undefined
  only?: string | undefined
  comparesPure: boolean
  jobs: number
  /** For bases and images; they are removed afterwards. */
  work: string
  /** Keeps violations in this directory; undefined: keeps nothing. */
  keep?: string | undefined
  onResult: (result: ImageResult) => void
}

/** An image takes well below a second. */
const longestImageMs = 120_000

export async function campaign(options: CampaignOptions): Promise<Tally> {
  const tally = new Tally()
  const batches = batchesOf(options)
  const take = (result: ImageResult): void => {
    tally.add(result)
    options.onResult(result)
  }
  const jobs = Array.from({ length: Math.min(options.jobs, batches.length) }, async () => {
    const worker = new Worker(options)
    for (let batch = batches.shift(); batch; batch = batches.shift()) await worker.run(batch, take)
    worker.stop()
  })
  await Promise.all(jobs)
  return tally
}

/** The numbers of the images, grouped by base. */
function batchesOf({ images, image }: CampaignOptions): number[][] {
  if (image !== undefined) return [[image]]
  const batches: number[][] = []
  for (let number = 0; number < images; number++) {
    if (number % imagesPerBase === 0) batches.push([])
    batches.at(-1)?.push(number)
  }
  return batches
}

class Worker {
  readonly #options: CampaignOptions
  #child: ChildProcess | undefined

  constructor(options: CampaignOptions) {
    this.#options = options
  }

  stop(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }

  async run(numbers: readonly number[], take: (result: ImageResult) => void): Promise<void> {
    let rest = [...numbers]
    while (rest.length > 0) {
      const ended = await this.#runUntilEnd(rest, take)
      if (!ended) return
      take(ended.result)
      rest = rest.slice(rest.indexOf(ended.result.number) + 1)
    }
  }

  /** Undefined: all were checked. Otherwise how the process ended, as the result of its current image. */
  #runUntilEnd(
    numbers: number[],
    take: (result: ImageResult) => void,
  ): Promise<{ result: ImageResult } | undefined> {
    const child = (this.#child ??= fork(fileURLToPath(new URL('worker.js', import.meta.url))))
    const { seed, only, comparesPure, work, keep } = this.#options
    return new Promise((resolve) => {
      let at = numbers[0] ?? 0
      let timer: NodeJS.Timeout | undefined
      const end = (why?: string): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        resolve(why === undefined ? undefined : { result: failure(at, why) })
        if (why === undefined) return
        child.kill('SIGKILL')
        this.#child = undefined
      }
      const watch = (): void => {
        clearTimeout(timer)
        timer = setTimeout(() => end('it did not end in time'), longestImageMs)
      }
      child.on('message', (answer: WorkAnswer) => {
        watch()
        if (answer.kind === 'begun') at = answer.number
        else if (answer.kind === 'checked') take(answer.result)
        else end()
      })
      child.on('exit', (code, signal) => end(`the process ended with ${signal ?? String(code)}`))
      watch()
      const request: WorkRequest = { seed, numbers, only, comparesPure, work, keep }
      child.send(request)
    })
  }
}

function failure(number: number, why: string): ImageResult {
  return {
    number,
    damage: 'unknown',
    notes: [],
    strict: 'failed',
    limits: [],
    pointInTime: false,
    salvage: false,
    disagreements: [],
    violations: [why],
  }
}
