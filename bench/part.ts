/** One part of the suite: its input and its result. */
import type { GoalName } from './goals.js'
import type { Limits } from './limits.js'
import type { Peers } from './peers/peers.js'
import type { LatencyRun } from './load/latency.js'
import type { Figure, Ratio } from './rounds.js'

export interface Context {
  /** The part's own, initially empty; removed after it. */
  directory: string
  quick: boolean
  /** The native program that measures the machine's limits; undefined if it could not be built. */
  limits: Limits | undefined
  /** Undefined unless requested, and if they could not be installed. */
  peers: Peers | undefined
  /** GiB of journal that `open` opens. */
  journalGiB: number
}

export interface Comparison {
  what: string
  ratio: Ratio
}

export interface PartResult {
  title: string
  figures: Figure[]
  comparisons: Comparison[]
  /** The measured values of the goals; a goal without a value was not measured. */
  goals: Partial<Record<GoalName, number>>
  /** The same for a plain program that does the minimum for the goal, without the engine. */
  floors: Partial<Record<GoalName, number>>
  notes: string[]
  latencies?: LatencyRun[]
}

export interface Part {
  name: string
  run(context: Context): Promise<PartResult>
}

export function emptyResult(title: string): PartResult {
  return { title, figures: [], comparisons: [], goals: {}, floors: {}, notes: [] }
}

/** The figure with this name, which the part has measured. */
export function figureNamed(figures: readonly Figure[], name: string): Figure {
  const figure = figures.find((each) => each.name === name)
  if (!figure) throw new Error(`no figure is called ${name}`)
  return figure
}
