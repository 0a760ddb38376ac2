/**
 * Where runs stand in their sources, exactly, whenever a run was killed.
 *
 * Each source event makes exactly one entry (flow-operation.ts), so the position is a count of entries.
 * Counting starts at the last mark: a start or checkpoint entry, or a snapshot, which holds the position
 * of its very sequence. Every mark says how many events were behind it; what follows it is counted by
 * reading the journal, which recovery has just read as well. Compaction can't take a mark away that is
 * needed: it never removes what follows a kept snapshot.
 *
 * Marks and notes are payload entries of type flowUserType. Their first byte says which: 1 mark (JSON
 * behind it), 2 note (reason, then the line as float64 at byte 8).
 */
import type { JournalEntry, UserEntry } from '../journal/entry.js'
import type { StateMachine } from '../journal/state-machine.js'
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { NoteReason } from './flow-operation.js'

/** User type of the entries that `pinnacle run` writes. */
export const flowUserType = 102
const markByte = 1
const noteByte = 2
const noteBytes = 16
/** First bytes of the state in a snapshot. */
const stateMagic = 'PINNFLOW1\n'

export interface FlowPosition {
  key: string
  /** For people: the source's name. */
  name: string
  /** Events that are in the journal. */
  events: number
  /** Nothing is left of the source. */
  complete: boolean
  /** The run is under way: entries behind the mark count. */
  running: boolean
  /** Sequence of the mark, or of the last entry that was counted. */
  sequence: number
}

type Mark = Omit<FlowPosition, 'sequence'>

export class FlowPositions implements StateMachine {
  readonly #positions = new Map<string, FlowPosition>()
  #running: FlowPosition | undefined
  #foreignState: Uint8Array | undefined
  #foreignEntry = 0
  #restored = false

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

  /**
   * First sequence that the running position has not counted yet, right after the data directory was
   * opened from a snapshot of `snapshotSequence`.
   */
  countFrom(snapshotSequence: number): number {
    const mark = this.#running?.sequence ?? 0
    return (this.#restored ? Math.max(mark, snapshotSequence) : mark) + 1
  }

  /** What follows the mark up to `sequence` was counted. */
  counted(events: number, sequence: number): void {
    if (this.#running === undefined) return
    this.#running.events += events
    this.#running.sequence = sequence
  }

  /** Entries behind the running position's mark are in the journal: moves the position on. */
  advance(events: number): void {
    if (this.#running !== undefined) this.#running.events += events
  }

  // --- StateMachine ---

  apply(entry: UserEntry): void {
    if (entry.userType !== flowUserType) {
      this.#foreignEntry ||= entry.sequence
      return
    }
    if (entry.payload[0] !== markByte) return
    const mark = JSON.parse(Buffer.from(entry.payload.subarray(1)).toString('utf8')) as Mark
    if (this.#running !== undefined && this.#running.key !== mark.key) this.#running.running = false
    const position = { ...mark, sequence: entry.sequence }
    this.#positions.set(mark.key, position)
    this.#running = mark.running ? position : undefined
  }

  snapshot(): Uint8Array {
    // A snapshot without its own program's state would cost that program its state machine.
    if (this.#foreignState !== undefined || this.#foreignEntry !== 0) {
      throw new PinnacleError(
        'ERR_PINNACLE_FOREIGN_STATE',
        'the data directory holds payload entries of another program, whose state only that program can put into a ' +
          'snapshot; take the snapshot there',
        { details: { sequence: this.#foreignEntry } },
      )
    }
    if (this.#positions.size === 0) return new Uint8Array(0)
    return Buffer.from(stateMagic + JSON.stringify(this.list()), 'utf8')
  }

  restore(bytes: Uint8Array): void {
    this.#positions.clear()
    this.#running = undefined
    this.#foreignState = undefined
    this.#restored = true
    if (bytes.byteLength === 0) return
    const text = Buffer.from(bytes).toString('utf8')
    if (!text.startsWith(stateMagic)) {
      this.#foreignState = bytes
      return
    }
    for (const position of JSON.parse(text.slice(stateMagic.length)) as FlowPosition[]) {
      this.#positions.set(position.key, position)
      if (position.running) this.#running = position
    }
  }
}

/** Whether an entry stands for a source event. */
export function isSourceEntry(entry: JournalEntry): boolean {
  if (entry.type === 'instrument') return false
  if (entry.type !== 'user') return true
  return entry.userType === flowUserType && entry.payload[0] === noteByte
}

export function encodeMark(mark: Mark): Uint8Array {
  const json = Buffer.from(
    JSON.stringify({
      key: mark.key,
      name: mark.name,
      events: mark.events,
      complete: mark.complete,
      running: mark.running,
    }),
  )
  return Buffer.concat([Buffer.from([markByte]), json])
}

export function encodeNote(reason: NoteReason, line: number): Uint8Array {
  const bytes = new Uint8Array(noteBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, noteByte)
  view.setUint8(1, reason)
  view.setFloat64(8, line, true)
  return bytes
}

export type FlowPayload =
  { kind: 'mark'; mark: Mark } | { kind: 'note'; reason: number; line: number }

/** What a payload of flowUserType says; undefined where it is none. */
export function decodeFlowPayload(payload: Uint8Array): FlowPayload | undefined {
  if (payload[0] === markByte) {
    return {
      kind: 'mark',
      mark: JSON.parse(Buffer.from(payload.subarray(1)).toString('utf8')) as Mark,
    }
  }
  if (payload[0] !== noteByte || payload.byteLength !== noteBytes) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return { kind: 'note', reason: view.getUint8(1), line: view.getFloat64(8, true) }
}
