/**
 * The exact position of each run in its source, even after a kill.
 *
 * Each source event makes exactly one entry (flow-operation.ts), so the position is a count of entries.
 * Counting starts at the last mark: a start or checkpoint entry, or a snapshot, which holds the position
 * of its very sequence. Every mark says how many events came before it; flow-counter.ts counts what follows it
 * by reading the journal, which recovery has just read as well. Compaction can't remove a mark that is still
 * needed: it never removes what follows a kept snapshot.
 *
 * Marks and notes are payload entries: entry/flow-payload.ts.
 */
import { decodeFlowPayload } from '../entry/flow-payload.js'
import { OldFlowEntries } from '../entry/old-flow-entries.js'
import { UserType } from '../registry/user-types.js'
import type { JournalEntry, UserEntry } from '../entry/entry.js'
import type { Hole, StateMachine } from '../entry/state-machine.js'
import { PinnacleError } from '../errors/pinnacle-error.js'

/** First bytes of the state in a snapshot. */
const stateMagic = 'PINNFLOW1\n'

export interface FlowPosition {
  key: string
  /** For people: the source's name. */
  name: string
  /** Number of the last event in the journal: the count of its events, lost ones included. */
  events: number
  /** Upper bound of the events whose entries a salvage lost; the books lack their effect. */
  lost: number
  /** Set if lost entries leave the position open: it is at least this and at most `events`. */
  atLeast?: number
  /** The source has no more events. */
  complete: boolean
  /** The run is under way: entries after the mark count. */
  running: boolean
  /** Sequence of the mark, or of the last entry that was counted. */
  sequence: number
}

/** What was counted. */
export interface Counted {
  positions: FlowPosition[]
  /** Key of the source whose run had not ended. */
  running: string | undefined
  /** The run's last kept entries, by event number, while its position is not proven. */
  unproven: ReadonlyMap<number, JournalEntry>
  /** Kept events that no longer count as lost once the position is proven. */
  unprovenKept: number
  /** Upper bound of the events of sources whose marks are all lost; usually 0. */
  strangers: number
}

/** As a snapshot stores it; version 0.1.0 stored no `lost`. */
type StoredPosition = Omit<FlowPosition, 'lost'> & { lost?: number }
type StoredState = StoredPosition[] | { positions: StoredPosition[]; strangers: number }

/** The point that counting starts from. */
export interface CountBase {
  /** First sequence to count. */
  from: number
  positions: readonly FlowPosition[]
  /** Key of the source whose run has not ended. */
  running: string | undefined
  /** As Counted has it. */
  strangers: number
  /** Has seen all entries before the first to count. */
  oldEntries: OldFlowEntries
}

export class FlowPositions implements StateMachine {
  #positions = new Map<string, FlowPosition>()
  #running: FlowPosition | undefined
  #foreignState: Uint8Array | undefined
  #foreignEntry = 0
  #restored = false
  /** The state before the first hole that recovery met. */
  #beforeHole: CountBase | undefined
  #isCounted = false
  #unproven: ReadonlyMap<number, JournalEntry> = new Map()
  #unprovenKept = 0
  #strangers = 0
  #oldEntries = new OldFlowEntries()

  /** All sources that this data directory has seen. */
  list(): FlowPosition[] {
    return [...this.#positions.values()]
  }

  get(key: string): FlowPosition | undefined {
    return this.#positions.get(key)
  }

  /** The run that was under way when the journal ended, or is now. */
  get running(): FlowPosition | undefined {
    return this.#running
  }

  /** The directory has no entries of a flow and no payloads of another program. */
  get empty(): boolean {
    const noFlow = this.#positions.size === 0 && this.#strangers === 0
    return noFlow && this.#foreignState === undefined && this.#foreignEntry === 0
  }

  /**
   * What to count right after the data directory was opened from a snapshot of `snapshotSequence`; undefined if
   * there is nothing to count, or it is counted already.
   */
  countBase(snapshotSequence: number): CountBase | undefined {
    if (this.#isCounted) return undefined
    const base = this.#beforeHole ?? this.#base(0)
    if (base.running === undefined) return base.from > 0 ? base : undefined
    return this.#restored ? { ...base, from: Math.max(base.from, snapshotSequence + 1) } : base
  }

  /** Everything up to the end of the recovered journal is counted; undefined if there was nothing to count. */
  counted(counted: Counted | undefined): void {
    this.#isCounted = true
    if (counted === undefined) return
    const { positions, running, unproven, unprovenKept, strangers } = counted
    this.#positions = new Map(positions.map((position) => [position.key, position]))
    this.#running = running === undefined ? undefined : this.#positions.get(running)
    this.#unproven = unproven
    this.#unprovenKept = unprovenKept
    this.#strangers = strangers
  }

  /** Kept entries of the running source by event: they confirm or refute its position. */
  get unproven(): ReadonlyMap<number, JournalEntry> {
    return this.#unproven
  }

  /** Events that count as lost until the position is proven. */
  get unprovenKept(): number {
    return this.#unprovenKept
  }

  /** Upper bound of the events of sources whose marks are all lost. */
  get strangers(): number {
    return this.#strangers
  }

  /** Entries after the running position's mark are in the journal: advances the position. */
  advance(events: number): void {
    if (this.#running !== undefined) this.#running.events += events
  }

  /** `firstLost`: the first entry of a hole; 0 without one. */
  #base(firstLost: number): CountBase {
    const running = this.#running
    return {
      from: running === undefined ? firstLost : running.sequence + 1,
      positions: this.list().map((position) => ({ ...position })),
      running: running?.key,
      strangers: this.#strangers,
      oldEntries: this.#oldEntries,
    }
  }

  // --- StateMachine ---

  apply(entry: UserEntry): void {
    const isFlow = this.#oldEntries.typeOf(entry) === UserType.flow
    const payload = isFlow ? decodeFlowPayload(entry.payload) : undefined
    if (payload === undefined) {
      this.#foreignEntry ||= entry.sequence
      return
    }
    if (payload.kind !== 'mark') return
    const { mark } = payload
    delete mark.start
    if (this.#running !== undefined && this.#running.key !== mark.key) this.#running.running = false
    const position = { lost: 0, ...mark, sequence: entry.sequence }
    this.#positions.set(mark.key, position)
    this.#running = mark.running ? position : undefined
  }

  /** The entries that it may have held are counted later, from those around it. */
  hole({ firstSequence }: Hole): void {
    this.#beforeHole ??= this.#base(firstSequence)
  }

  snapshot(): Uint8Array {
    if (!this.#isCounted && (this.#running !== undefined || this.#beforeHole !== undefined)) {
      throw new PinnacleError(
        'ERR_PINNACLE_BUSY',
        'the events of a run that was killed are not counted yet, and after a snapshot they could not be; count ' +
          'them (countRecovered), or wait until runFlow has',
      )
    }
    // The other program could not restore its state machine from a snapshot without its state.
    if (this.#foreignState !== undefined || this.#foreignEntry !== 0) {
      throw new PinnacleError(
        'ERR_PINNACLE_FOREIGN_STATE',
        'the data directory holds payload entries of another program, whose state only that program can put into a ' +
          'snapshot; take the snapshot there',
        { details: { sequence: this.#foreignEntry } },
      )
    }
    const positions = this.list()
    const strangers = this.#strangers
    // Without strangers, the array that version 0.1.0 wrote.
    const state = strangers === 0 ? positions : { positions, strangers }
    return Buffer.from(stateMagic + JSON.stringify(state), 'utf8')
  }

  restore(bytes: Uint8Array): void {
    this.#positions.clear()
    this.#running = undefined
    this.#foreignState = undefined
    this.#beforeHole = undefined
    this.#isCounted = false
    this.#strangers = 0
    this.#oldEntries = new OldFlowEntries()
    this.#restored = true
    if (bytes.byteLength === 0) return
    const text = Buffer.from(bytes).toString('utf8')
    if (!text.startsWith(stateMagic)) {
      this.#foreignState = bytes
      return
    }
    const state = JSON.parse(text.slice(stateMagic.length)) as StoredState
    const { positions, strangers } = Array.isArray(state)
      ? { positions: state, strangers: 0 }
      : state
    this.#strangers = strangers
    for (const position of positions) {
      const known = { ...position, lost: position.lost ?? 0 }
      this.#positions.set(known.key, known)
      if (known.running) this.#running = known
    }
  }
}

/** Whether a source event made the entry. */
export function isSourceEntry(entry: JournalEntry): boolean {
  if (entry.type === 'instrument' || entry.type === 'hole') return false
  if (entry.type !== 'user') return true
  return entry.userType === UserType.flow && decodeFlowPayload(entry.payload)?.kind === 'note'
}
