/** Keeps the evidence of a violation: the damaged image, its base, and the history of the base. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Base } from './base.js'
import type { DamagedImage, ImageResult } from './image.js'

interface Evidence {
  base: Base
  image: DamagedImage
  number: number
}

const evidenceFile = 'evidence.bin'
const wordsFile = 'what.txt'
const imageName = 'image'

export function keepEvidence(
  directory: string,
  base: Base,
  image: DamagedImage,
  result: ImageResult,
): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const keep = (from: string, name: string): string => {
    if (existsSync(from)) cpSync(from, path.join(directory, name), { recursive: true })
    return name
  }
  const kept: Evidence = {
    base: {
      ...base,
      ours: { ...base.ours, directory: keep(base.ours.directory, 'ours') },
      twin: { ...base.twin, directory: keep(base.twin.directory, 'twin') },
      foreign: { ...base.foreign, directory: keep(base.foreign.directory, 'foreign') },
      generations: base.generations.map((generation, index) => ({
        ...generation,
        directory: keep(generation.directory, `generation-${String(index + 1)}`),
      })),
    },
    image: { ...image, directory: keep(image.directory, imageName) },
    number: result.number,
  }
  writeFileSync(path.join(directory, evidenceFile), serialize(kept))
  writeFileSync(path.join(directory, wordsFile), `${wordsOf(result).join('\n')}\n`)
}

export function wordsOf(result: ImageResult): string[] {
  return [
    `image ${String(result.number)}, ${result.damage}: ${result.notes.join('; ')}`,
    ...result.violations.map((what) => `  violation: ${what}`),
    ...result.disagreements.map((what) => `  disagreement: ${what}`),
  ]
}

export function loadEvidence(directory: string): Evidence {
  const { base, image, number } = deserialize(
    readFileSync(path.join(directory, evidenceFile)),
  ) as Evidence
  const at = <Placed extends { directory: string }>(placed: Placed): Placed => ({
    ...placed,
    directory: path.join(directory, placed.directory),
  })
  return {
    base: {
      ...base,
      ours: at(base.ours),
      twin: at(base.twin),
      foreign: at(base.foreign),
      generations: base.generations.map(at),
    },
    image: at(image),
    number,
  }
}
