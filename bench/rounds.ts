/**
 * Interleaved measuring: every round runs every case once (A B C A B C …), so that a slower machine slows all
 * of them. A round is many short windows; its figure is their median, so a scheduler that takes the processor
 * away for a while does not affect it. Ratios are computed round by round, between two cases that ran within
 * the same second.
 */

export interface Case {
  name: string
  /** Unit of a round's figure. Default: 'ns' per operation. */
  unit?: string
  /** One round. */
  round(): number | Promise<number>
}

export interface Figure {
  name: string
  unit: string
  /** One figure per round. */
  rounds: number[]
  median: number
  min: number
  max: number
}

export interface Ratio {
  median: number
  min: number
  max: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export function figureOf(name: string, unit: string, rounds: number[]): Figure {
  return {
    name,
    unit,
    rounds,
    median: median(rounds),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
  }
}

/** `of` divided by `to`, from the rounds they share. */
export function ratio(of: Figure, to: Figure): Ratio {
  const ratios = of.rounds.map((value, round) => value / (to.rounds[round] ?? Number.NaN))
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
}

export interface Windows {
  /** Operations of one window; each window is timed. */
  perWindow: number
  windows: number
  /** Does `count` operations. */
  run(count: number): void | Promise<void>
  /** Runs after each window, untimed: clears what would otherwise pile up. */
  rest?(): void | Promise<void>
}

/** A round: the median over the windows, ns per operation. */
export function windowed(work: Windows): () => Promise<number> {
  const { perWindow, windows } = work
  return async () => {
    const values: number[] = []
    for (let window = 0; window < windows; window++) {
      const start = performance.now()
      const pending = work.run(perWindow)
      if (pending) await pending
      values.push(((performance.now() - start) * 1e6) / perWindow)
      const resting = work.rest?.()
      if (resting) await resting
    }
    return median(values)
  }
}

/** Lets background threads (segment supply, sync) and the event loop proceed. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

export async function measure(cases: readonly Case[], rounds: number): Promise<Figure[]> {
  const values = cases.map((): number[] => [])
  for (let round = -1; round < rounds; round++) {
    for (const [index, each] of cases.entries()) {
      const value = await each.round()
      // Round -1 warms up.
      if (round >= 0) values[index]?.push(value)
      await breath()
    }
  }
  return cases.map(({ name, unit = 'ns' }, index) => figureOf(name, unit, values[index] ?? []))
}
