/**
 * Makes and checks the images of one base after another, as the campaign asks. It is a separate process: a
 * crash or a hang is a violation of the current image.
 */
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { makeBase } from './base.js'
import { keepEvidence } from './evidence.js'
import { Expectations } from './expected.js'
import { baseSeed, checkImage, damageBase, type ImageResult } from './image.js'

export interface WorkRequest {
  seed: number
  /** All of one base. */
  numbers: number[]
  only: string | undefined
  comparesPure: boolean
  work: string
  keep: string | undefined
}

export type WorkAnswer =
  { kind: 'begun'; number: number } | { kind: 'checked'; result: ImageResult } | { kind: 'done' }

async function work(request: WorkRequest, answer: (what: WorkAnswer) => void): Promise<void> {
  const { seed, numbers, only, comparesPure } = request
  const [first = 0] = numbers
  const directory = path.join(request.work, `base-${String(first)}`)
  mkdirSync(directory, { recursive: true })
  answer({ kind: 'begun', number: first })
  const base = await makeBase(baseSeed(seed, first), directory)
  const expectations = new Expectations()
  for (const number of numbers) {
    answer({ kind: 'begun', number })
    const image = damageBase(base, { seed, number, only }, path.join(directory, 'image'))
    const result = await checkImage(base, expectations, image, number, directory, comparesPure)
    const isBad = result.violations.length + result.disagreements.length > 0
    if (isBad && request.keep !== undefined) {
      keepEvidence(
        path.join(request.keep, `${String(seed)}-${String(number)}`),
        base,
        image,
        result,
      )
    }
    answer({ kind: 'checked', result })
  }
  rmSync(directory, { recursive: true, force: true })
  answer({ kind: 'done' })
}

// Started as a program.
if (process.send) {
  process.on('message', (request: WorkRequest) => {
    void work(request, (what) => process.send?.(what))
  })
}
