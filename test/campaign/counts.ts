/** Results of the images, by class of damage. */
import type { ImageResult } from './image.js'

interface Counts {
  images: number
  opened: number
  refused: number
  pointInTime: number
  salvage: number
  disagreements: number
  violations: number
}

function none(): Counts {
  return {
    images: 0,
    opened: 0,
    refused: 0,
    pointInTime: 0,
    salvage: 0,
    disagreements: 0,
    violations: 0,
  }
}

const columns: readonly (readonly [keyof Counts, string])[] = [
  ['images', 'images'],
  ['opened', 'strict opened'],
  ['refused', 'strict refused'],
  ['pointInTime', 'point-in-time'],
  ['salvage', 'salvage'],
  ['disagreements', 'disagreements'],
  ['violations', 'violations'],
]

export class Tally {
  readonly #byClass = new Map<string, Counts>()
  readonly #all = none()
  readonly #limits = new Map<string, number>()

  add(result: ImageResult): void {
    const counts = this.#byClass.get(result.damage) ?? none()
    this.#byClass.set(result.damage, counts)
    for (const each of [counts, this.#all]) {
      each.images++
      if (result.strict.startsWith('ERR_')) each.refused++
      else each.opened++
      if (result.pointInTime) each.pointInTime++
      if (result.salvage) each.salvage++
      if (result.disagreements.length > 0) each.disagreements++
      if (result.violations.length > 0) each.violations++
    }
    for (const limit of result.limits) {
      this.#limits.set(limit, (this.#limits.get(limit) ?? 0) + 1)
    }
  }

  get all(): Readonly<Counts> {
    return this.#all
  }

  lines(): string[] {
    const width = 22
    const row = (name: string, cells: readonly string[]): string =>
      name.padEnd(width) +
      cells.map((cell, i) => cell.padStart((columns[i]?.[1].length ?? 0) + 2)).join('')
    const cellsOf = (counts: Counts): string[] => columns.map(([key]) => String(counts[key]))
    const rows = [...this.#byClass].sort(([left], [right]) => left.localeCompare(right))
    const limits = [...this.#limits].sort(([left], [right]) => left.localeCompare(right))
    return [
      row(
        'class',
        columns.map(([, title]) => title),
      ),
      ...rows.map(([name, counts]) => row(name, cellsOf(counts))),
      row('all', cellsOf(this.#all)),
      ...limits.map(([name, count]) => `limit ${name}: ${String(count)} images`),
    ]
  }
}
