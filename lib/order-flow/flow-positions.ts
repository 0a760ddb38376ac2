/**
 * How far runs came in their sources, exactly, whenever a run was killed.
 *
 * Each source event makes exactly one entry (flow-operation.ts), so the position is a count of entries.
 * Counting starts at the last mark: a start or checkpoint entry, or a snapshot, which holds the position
 * of its very sequence. Every mark says how many events came before it; flow-counter.ts counts what follows it
 * by reading the journal, which recovery has just read as well. Compaction can't take a mark away that is
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
  /** The last event that is in the journal, which is how many are, with the lost ones. */
  events: number
  /** Of them, those of which a salvage could not keep the entries; no book has their effect. At most. */
  lost: number
  /** Where lost entries leave the position open: `events` is the most that it can be, this the least. */
  atLeast?: number
  /** Nothing is left of the source. */
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
  /** While that run's position is not proven: its last kept entries, by the number of their event. */
  unproven: ReadonlyMap<number, JournalEntry>
  /** Kept events that do not count as lost any more once the position is proven. */
  unprovenKept: number
  /** Events at most that are of a source which no mark is left of; 0 as a rule. */
  strangers: number
}

/** As a snapshot holds it; `lost` is missing in those of version 0.1.0. */
type StoredPosition = Omit<FlowPosition, 'lost'> & { lost?: number }
type StoredState = StoredPosition[] | { positions: StoredPosition[]; strangers: number }

/** Where counting starts. */
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
  /** How things were before the first hole that the recovery met. */
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

  /** No flow was run into the directory, and no other program put payloads into it. */
  get empty(): boolean {
    const noFlow = this.#positions.size === 0 && this.#strangers === 0
    return noFlow && this.#foreignState === undefined && this.#foreignEntry === 0
  }

  /**
   * What has to be counted right after the data directory was opened from a snapshot of `snapshotSequence`;
   * undefined: nothing, or it was.
   */
  countBase(snapshotSequence: number): CountBase | undefined {
    if (this.#isCounted) return undefined
    const base = this.#beforeHole ?? this.#base(0)
    if (base.running === undefined) return base.from > 0 ? base : undefined
    return this.#restored ? { ...base, from: Math.max(base.from, snapshotSequence + 1) } : base
  }

  /** Everything to the end of the recovered journal was counted; undefined: nothing had to be. */
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

  /** Kept entries of the running source by event: they prove its position, or that it is another one. */
  get unproven(): ReadonlyMap<number, JournalEntry> {
    return this.#unproven
  }

  /** Events that count as lost until the position is proven. */
  get unprovenKept(): number {
    return this.#unprovenKept
  }

  /** Events at most that are of a source which no mark is left of. */
  get strangers(): number {
    return this.#strangers
  }

  /** Entries after the running position's mark are in the journal: moves the position on. */
  advance(events: number): void {
    if (this.#running !== undefined) this.#running.events += events
  }

  /** `firstLost`: the first entry of a hole, 0 where there is none. */
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

  /** What it may have held is counted later, from the entries around it. */
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
    // A snapshot without its own program's state would cost that program its state machine.
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
    // Without strangers it is the array that version 0.1.0 wrote.
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

/** Whether an entry is that of a source event. */
export function isSourceEntry(entry: JournalEntry): boolean {
  if (entry.type === 'instrument' || entry.type === 'hole') return false
  if (entry.type !== 'user') return true
  return entry.userType === UserType.flow && decodeFlowPayload(entry.payload)?.kind === 'note'
}
