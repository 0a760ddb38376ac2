/**
 * Counts the events of each source that are in the journal, from its entries and across its holes.
 *
 * A run continues after the last event whose entry was kept. Lost events with no kept event of their source
 * after them are journaled again. Lost events with a kept one after them can no longer be journaled, since the
 * order of events would change: they count as lost.
 *
 * A hole says how many entries are lost, not how many of them were events of the run; the run's next mark does.
 * Until one comes, every lost entry counts as an event. The position is then an upper bound, and the run
 * compares the kept entries (`unproven`) with the source before it appends anything.
 *
 * Marks may be lost too, so kept entries between two holes may be of another run. The position of every source
 * that may own them is then left open (`atLeast`).
 */
import { decodeFlowPayload, type FlowMark } from '../entry/flow-payload.js'
import type { OldFlowEntries } from '../entry/old-flow-entries.js'
import { UserType } from '../registry/user-types.js'
import type { HoleEntry, JournalEntry } from '../entry/entry.js'
import { isSourceEntry, type CountBase, type Counted, type FlowPosition } from './flow-positions.js'

/** At most this many entries are compared: one that adds an order is enough. */
const mostUnproven = 1_000
/**
 * If entries of another run were counted as events of this one, at least this many entries were miscounted: one
 * event of the other run and four marks (end of this run, start and end of the other, start of this one again).
 */
export const leastOfAnother = 5

interface Count {
  readonly position: FlowPosition
  /** Events whose entries were certainly kept. */
  kept: number
}

export class FlowCounter {
  readonly #from: number
  readonly #oldEntries: OldFlowEntries
  readonly #counts = new Map<string, Count>()
  /** The run that the last mark began or continued. */
  #current: Count | undefined
  /** Number of the current run's next event, and whether a mark or an unbroken count gives it. */
  #next = 1
  #nextProven = true
  /** A hole follows the last kept event. */
  #lostSinceEvent = false
  /** Since the last mark: lost entries, events kept after some were lost, and events kept after the last hole. */
  #lost = 0
  #keptAfterLost = 0
  #keptInRow = 0
  /** The current position before the first unproven event; undefined if the last mark left it open. */
  #before: number | undefined
  readonly #unproven = new Map<number, JournalEntry>()
  #strangers = 0

  constructor(base: CountBase) {
    this.#from = base.from
    this.#oldEntries = base.oldEntries
    this.#strangers = base.strangers
    for (const position of base.positions) {
      const count = { position: { ...position }, kept: position.events - position.lost }
      this.#counts.set(position.key, count)
      if (position.key !== base.running) continue
      this.#goOn(count, position.events)
      this.#nextProven = position.atLeast === undefined
    }
  }

  take(read: JournalEntry): void {
    const entry = read.type === 'user' ? { ...read, userType: this.#oldEntries.typeOf(read) } : read
    if (entry.type === 'hole') this.#hole(entry)
    else if (isSourceEntry(entry)) this.#event(entry)
    else if (entry.type === 'user' && entry.userType === UserType.flow) {
      const payload = decodeFlowPayload(entry.payload)
      if (payload?.kind === 'mark') this.#mark(payload.mark, entry.sequence)
    }
  }

  /** `to` is the last sequence that was counted. */
  end(to: number): Counted {
    this.#leaveOpen(this.#keptAfterLost, undefined)
    const position = this.#current?.position
    if (position) position.sequence = to
    const open = position?.atLeast !== undefined
    return {
      positions: [...this.#counts.values()].map((count) => count.position),
      running: position?.key,
      unproven: open ? this.#unproven : new Map(),
      unprovenKept: this.#keptAfterLost,
      strangers: this.#strangers,
    }
  }

  #event(entry: JournalEntry): void {
    this.#lostSinceEvent = false
    const current = this.#current
    if (this.#lost > 0) {
      this.#keptAfterLost++
      this.#keptInRow++
    } else if (current) current.kept++
    if (!current) return
    this.#reach(current, this.#next++, this.#nextProven)
    if (this.#nextProven) return
    this.#unproven.set(current.position.events, entry)
    const [oldest = 0] = this.#unproven.keys()
    if (this.#unproven.size > mostUnproven) this.#unproven.delete(oldest)
  }

  #hole({ firstSequence, sequence, snapshotSequence }: HoleEntry): void {
    const first = Math.max(firstSequence, this.#from)
    const lost = sequence - first + 1
    // The snapshot has their effect on the books, so these must not be journaled again.
    const covered = Math.min(lost, Math.max(0, snapshotSequence - first + 1))
    this.#lost += lost
    this.#keptAfterLost += covered
    this.#keptInRow = 0
    this.#lostSinceEvent = true
    this.#nextProven = false
    if (this.#current && covered > 0) this.#reach(this.#current, this.#next + covered - 1, false)
    this.#next += lost
  }

  #mark(mark: FlowMark, sequence: number): void {
    const current = this.#current
    const count = this.#counts.get(mark.key) ?? this.#begin(mark)
    const { position } = count
    const same = count === current
    // A mark whose own position is open proves nothing.
    const open = mark.atLeast !== undefined
    const noEvents = same && !open ? this.#next - 1 - mark.events : Infinity
    const onlyOwn = noEvents < leastOfAnother
    // The entries right before a mark are of its run, unless the mark starts a run.
    const follows = !open && !this.#lostSinceEvent && (onlyOwn || mark.start !== true)
    const own = onlyOwn ? this.#keptAfterLost : follows ? this.#keptInRow : 0
    const orphans = this.#keptAfterLost - own
    count.kept += own
    this.#leaveOpen(orphans, count)
    if (!open && !this.#lostSinceEvent) this.#reach(count, mark.events, true)
    else if (noEvents === 0 && this.#keptAfterLost > 0) this.#reach(count, position.events, true)
    else if (open || (!same && orphans > 0)) {
      this.#reach(count, Math.max(position.events, mark.events), false)
      position.atLeast = Math.min(position.atLeast ?? 0, mark.atLeast ?? Infinity)
    } else if (position.events > mark.events) this.#reach(count, mark.events, false)
    if (current && !same) {
      current.position.running = false
      // None of the entries after the hole was its own.
      if (orphans === 0 && this.#before !== undefined) this.#reach(current, this.#before, true)
    }
    position.name = mark.name
    position.sequence = sequence
    position.running = mark.running
    // Events lost at the end are journaled again.
    position.complete =
      mark.complete && position.atLeast === undefined && position.events === mark.events
    if (mark.running) this.#goOn(count, mark.events)
    else this.#current = undefined
    if (!same || position.atLeast === undefined) this.#unproven.clear()
    this.#lost = this.#keptAfterLost = this.#keptInRow = 0
    this.#before = undefined
  }

  #begin({ key, name }: FlowMark): Count {
    const nothing = { events: 0, lost: 0, complete: false, running: false, sequence: 0 }
    const count: Count = { position: { key, name, ...nothing }, kept: 0 }
    this.#counts.set(key, count)
    // The kept entries of a run without marks may be of this source.
    if (this.#strangers > 0) this.#reach(count, this.#strangers, false)
    return count
  }

  /** The following events are of this run, starting with the one after `events`. */
  #goOn(count: Count, events: number): void {
    this.#current = count
    this.#next = events + 1
    this.#nextProven = true
  }

  /** Kept entries of an unknown run: they may be of any source except the current and the given one. */
  #leaveOpen(orphans: number, but: Count | undefined): void {
    if (orphans === 0) return
    const most = this.#lost + orphans
    this.#strangers += most
    for (const count of this.#counts.values()) {
      const { position } = count
      if (count === but || count === this.#current || position.complete) continue
      this.#reach(count, position.events + most, false)
    }
  }

  /** The last event that was kept is this one, or at most this one. */
  #reach(count: Count, event: number, proven: boolean): void {
    const { position } = count
    if (proven) delete position.atLeast
    else if (position.atLeast === undefined) {
      position.atLeast = position.events
      if (count === this.#current) this.#before = position.events
    }
    position.events = event
    // Entries of other programs may have been counted too.
    position.lost = Math.max(0, event - count.kept)
    count.kept = Math.min(count.kept, event)
  }
}
