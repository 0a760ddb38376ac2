/** Finds the position to resume at: the source's own, or the event that the caller names if holes lost it. */
import { encodeMark } from '../entry/flow-payload.js'
import { appendReserved, UserType } from '../registry/user-types.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import { FlowCounter, leastOfAnother } from './flow-counter.js'
import { flowError } from './flow-error.js'
import type { FlowPosition, FlowPositions } from './flow-positions.js'
import type { FlowSource } from './flow-source.js'

/**
 * Advances the positions to the end of the recovered journal. Call it before anything is appended; once is
 * enough.
 */
export async function countRecovered(
  manager: PersistenceManager,
  positions: FlowPositions,
): Promise<void> {
  const { snapshotSequence, lastSequence } = manager.recovery
  const base = positions.countBase(snapshotSequence)
  if (base === undefined) {
    positions.counted(undefined)
    return
  }
  const counter = new FlowCounter(base)
  if (base.from <= lastSequence) {
    const range = { from: base.from, to: lastSequence }
    for await (const entry of manager.journal.entries(range)) counter.take(entry)
  }
  positions.counted(counter.end(lastSequence))
}

/**
 * The source's position; undefined if the journal has no events of it. Throws if holes leave it open, unless
 * `fromEvent` names the next event or the entries in `positions.unproven` can decide. Changes nothing.
 */
export function positionOf(
  positions: FlowPositions,
  source: FlowSource,
  fromEvent: number | undefined,
): FlowPosition | undefined {
  const known = positions.get(source.key)
  const { strangers } = positions
  if (fromEvent !== undefined) return named(positions, source, fromEvent)
  if (known?.atLeast !== undefined) {
    if (known === positions.running && positions.unproven.size > 0) return known
    throw positionLost(source, known.atLeast, known.events)
  }
  if (known === undefined && strangers > 0) throw positionLost(source, 0, strangers)
  return known
}

/** Marks a killed run of another source as ended. */
export function endOther(
  manager: PersistenceManager,
  positions: FlowPositions,
  source: FlowSource,
): void {
  const { running } = positions
  if (running === undefined || running.key === source.key) return
  const ended = encodeMark({ ...running, running: false })
  manager.journal[appendReserved](UserType.flow, ended)
}

export function positionLost(source: FlowSource, atLeast: number, atMost: number): Error {
  return flowError(
    'ERR_PINNACLE_FLOW_POSITION_LOST',
    `a salvage lost entries of the journal, and with them how far ${source.name} came: at least ` +
      `${String(atLeast)} and at most ${String(atMost)} of its events were journaled. Run it into a new data ` +
      'directory, which gives whole books; or name the event to go on with (--from-event, fromEvent), from ' +
      `${String(atLeast + 1)} to ${String(atMost + 1)}`,
    { atLeast, atMost },
  )
}

/** The position that the caller named; throws if it is out of the possible range. */
function named(positions: FlowPositions, source: FlowSource, fromEvent: number): FlowPosition {
  const known = positions.get(source.key)
  const { strangers, running, unprovenKept } = positions
  const events = fromEvent - 1
  const atMost = known?.events ?? strangers
  const atLeast = known ? (known.atLeast ?? known.events) : 0
  if (!Number.isSafeInteger(events) || events < atLeast || events > atMost) {
    const range =
      atLeast === atMost
        ? `event ${String(atLeast + 1)}`
        : `an event from ${String(atLeast + 1)} to ${String(atMost + 1)}`
    throw flowError(
      'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      `${source.name} can't go on with event ${String(fromEvent)}: that would skip events or journal some twice. ` +
        `It goes on with ${range}`,
      { fromEvent, atLeast, atMost },
    )
  }
  const nothing = { events: 0, lost: 0, complete: false, running: false, sequence: 0 }
  const exact: FlowPosition = known
    ? { ...known }
    : { key: source.key, name: source.name, ...nothing }
  delete exact.atLeast
  // With fewer non-events than `leastOfAnother`, all kept entries are of this run.
  const own = known !== undefined && known === running && known.events - events < leastOfAnother
  const kept = exact.events - exact.lost + (own ? unprovenKept : 0)
  return { ...exact, events, lost: Math.max(0, events - kept) }
}
