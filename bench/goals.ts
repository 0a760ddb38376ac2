/** What the figures have to reach, as ratios within the same run. */
import type { DurableFigures } from './durable.js'
import type { Figures } from './rounds.js'

export interface Goal {
  what: string
  goal: string
  measured: string
  met: boolean
}

export function hotPathGoals(figures: readonly Figures[]): Goal[] {
  const plain = figures[0]?.median ?? Number.NaN
  return [
    faster(figures[1], plain, 16),
    faster(figures[2], plain, 32),
    faster(figures[3], plain, 5),
  ].flat()
}

function faster(figures: Figures | undefined, plain: number, times: number): Goal[] {
  if (figures === undefined) return []
  const ratio = plain / figures.median
  return [
    {
      what: figures.name,
      goal: `${String(times)}x fs.writeSync`,
      measured: `${ratio.toFixed(1)}x (${figures.median.toFixed(1)} ns)`,
      met: ratio >= times,
    },
  ]
}

export function durableGoals(figures: DurableFigures): Goal[] {
  const ratio = figures.blockingUs / figures.plainUs
  const goals: Goal[] = [
    {
      what: 'one durable append',
      goal: '1.3x pwrite + fdatasync',
      measured: `${ratio.toFixed(2)}x (${figures.blockingUs.toFixed(0)} µs)`,
      met: ratio <= 1.3,
    },
  ]
  if (figures.deviceBytes !== undefined) {
    goals.push({
      what: 'device bytes per synced append',
      goal: '8 KiB',
      measured: `${(figures.deviceBytes / 1024).toFixed(1)} KiB`,
      met: figures.deviceBytes <= 8192,
    })
  }
  return goals
}
