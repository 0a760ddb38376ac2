/**
 * The plan of a base directory: sessions of phases, drawn from the seed. A plan has no content, so another
 * journal of the same shape can follow the same plan.
 */
import type { Durability, InstrumentDefinition } from '../../lib/index.js'
import type { Random } from '../../lib/order-flow/random.js'

export interface Phase {
  entries: number
  action: 'none' | 'durable' | 'sync' | 'snapshot' | 'compact'
  /** Keep a copy of the directory after the action. */
  keep: boolean
  /** An instrument to define before the entries. */
  define?: InstrumentDefinition
}

export interface Session {
  machine: boolean
  durability: Durability
  segmentSize: number
  keepSnapshots: number
  /** 0: each snapshot compacts. */
  compactionThreshold: number
  spareSegments: number
  /** Defined by the open. */
  instruments: InstrumentDefinition[]
  phases: Phase[]
  /** 'kill': the directory as a SIGKILL leaves it. */
  end: 'close' | 'kill'
}

export interface Plan {
  largePayloads: boolean
  sessions: Session[]
  /** After this many sessions a copy is taken and continued separately. */
  forkAfter: number
  /** Sessions of the copy. */
  twinSessions: Session[]
}

const kib = 1024
const neverCompact = 1024 * 1024 * kib

export function drawPlan(random: Random): Plan {
  const one = (chances: number): boolean => random.below(chances) === 0
  const segmentSize = one(8) ? 128 * kib : 64 * kib
  const machine = (['always', 'never', 'later'] as const)[random.below(3)] ?? 'always'
  const compacts = one(2)
  const keepSnapshots = 1 + random.below(3)
  const usesSnapshots = !one(5)
  const largePayloads = !one(3)
  let instruments = 0
  const definition = (): InstrumentDefinition => ({
    name: `INS-${String(++instruments)}`,
    priceScale: random.below(4),
    quantityScale: random.below(4),
    kind: one(3) ? 'levels' : 'orders',
  })
  const session = (number: number, from: number): Session => {
    // Before a state machine is added, the journal must keep its beginning: it is replayed from there.
    const hasMachine = machine === 'always' || (machine === 'later' && number > 0)
    const mayCompact = compacts && (machine !== 'later' || number > 1)
    const phases: Phase[] = []
    const count = 1 + random.below(number === 0 ? 5 : 4)
    for (let i = 0; i < count; i++) {
      const choice = random.below(10)
      const phase: Phase = {
        entries: 3 + random.below(one(3) ? 260 : 90),
        action: 'none',
        keep: one(2),
      }
      if (choice < 5) phase.action = one(4) ? 'sync' : 'durable'
      else if (choice < 8 && usesSnapshots) phase.action = 'snapshot'
      else if (choice < 9 && mayCompact) phase.action = 'compact'
      if (instruments < 4 && one(4)) phase.define = definition()
      phases.push(phase)
    }
    const opened: InstrumentDefinition[] = []
    if (number === from && !one(5)) {
      for (let i = random.below(3); i >= 0; i--) opened.push(definition())
    }
    return {
      machine: hasMachine,
      durability: one(7) ? 'durable' : 'appended',
      segmentSize: one(10) ? 128 * kib : segmentSize,
      keepSnapshots,
      compactionThreshold: mayCompact && one(2) ? 0 : neverCompact,
      spareSegments: random.below(3),
      instruments: opened,
      phases,
      end: one(2) ? 'kill' : 'close',
    }
  }
  const sessions = Array.from({ length: 1 + random.below(4) }, (_, i) => session(i, 0))
  const forkAfter = 1 + random.below(sessions.length)
  const twinSessions = Array.from({ length: 1 + random.below(2) }, (_, i) =>
    session(forkAfter + i, -1),
  )
  return { largePayloads, sessions, forkAfter, twinSessions }
}
