/** What a repair is judged by: what was acknowledged, and what the damage took. */
import type { Damage } from './damage.js'
import type { TortureEvent } from './flow.js'

export interface RepairEvidence {
  damage: Damage
  /** Every entry up to here was acknowledged as durable, and was there before the damage. */
  acknowledged: number
  /** Whether the directory was written with a state machine. */
  machine: boolean
  eventOf: (sequence: number) => TortureEvent | undefined
}
