/** One part of the suite: what it is given and what it answers. */
import type { GoalName } from './goals.js'
import type { Limits } from './limits.js'
import type { Peers } from './peers/peers.js'
import type { LatencyRun } from './load/latency.js'
import type { Figure, Ratio } from './rounds.js'

export interface Context {
  /** The part's own, empty; removed behind it. */
  directory: string
  quick: boolean
  /** The native program that measures the machine's limits; undefined where it could not be built. */
  limits: Limits | undefined
  /** Undefined unless asked for, and where they could not be installed. */
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
  /** What a goal is compared with; a goal without an entry was not measured. */
  goals: Partial<Record<GoalName, number>>
  /** The same of a plain program without the engine that does the least which the goal needs. */
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

/** The figure of this name, which the part has measured. */
export function figureNamed(figures: readonly Figure[], name: string): Figure {
  const figure = figures.find((each) => each.name === name)
  if (!figure) throw new Error(`no figure is called ${name}`)
  return figure
}
