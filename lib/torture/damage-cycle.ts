/** Cycles in which a copy of the directory is damaged: it gets further by writers that are killed. */
import type { Random } from '../order-flow/random.js'
import { killCycle } from './process-faults.js'
import type { Subject } from './subject.js'

export async function damageCycle(subject: Subject, random: Random): Promise<void> {
  if (subject.recovered === 0 || random.below(2) === 0) {
    await killCycle(subject, random, random.below(3) > 0)
  }
  await subject.damage()
}
