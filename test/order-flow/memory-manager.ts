/**
 * A journal and books in memory, with the parts of a PersistenceManager that runFlow uses: entries can be
 * lost here, and the journal salvaged, without a damaged file. An entry's time is the number of the source's
 * event.
 */
import type { BookOperation } from '../../lib/book/operation.js'
import { appendReserved } from '../../lib/registry/user-types.js'
import { PinnacleError } from '../../lib/errors/pinnacle-error.js'
import type { InstrumentDefinition, JournalEntry, StateMachine } from '../../lib/index.js'
import type { PersistenceManager } from '../../lib/persistence/persistence-manager.js'

type Operation = Exclude<JournalEntry, { type: 'user' | 'instrument' | 'hole' }>

/** Open quantities; prices do not matter here. */
class MemoryBook {
  readonly open: Map<bigint, number>

  constructor(open: ReadonlyMap<bigint, number> = new Map()) {
    this.open = new Map(open)
  }

  /** The code of the refusal; undefined: it was applied. */
  apply(entry: Operation): string | undefined {
    switch (entry.type) {
      case 'add':
        if (this.open.has(entry.orderId)) return 'ERR_PINNACLE_DUPLICATE_ORDER'
        this.open.set(entry.orderId, entry.quantity)
        return undefined
      case 'reduce':
      case 'execute':
      case 'cancel': {
        const open = this.open.get(entry.orderId)
        if (open === undefined) return 'ERR_PINNACLE_UNKNOWN_ORDER'
        const left = entry.type === 'cancel' ? 0 : open - entry.quantity
        if (left < 0) return 'ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN'
        if (left === 0) this.open.delete(entry.orderId)
        else this.open.set(entry.orderId, left)
        return undefined
      }
      default:
        return undefined
    }
  }
}

/** The contents of a snapshot. */
export interface MemorySnapshot {
  sequence: number
  state: Uint8Array
  /** By index from 1: name and open orders. */
  books: readonly { name: string; open: ReadonlyMap<bigint, number> }[]
}

export class MemoryManager {
  readonly recovery: { snapshotSequence: number; lastSequence: number }
  readonly entries: JournalEntry[]
  readonly #machine: StateMachine
  readonly #names: string[] = []
  readonly #books: MemoryBook[] = []
  /** Entries until the process is killed. */
  #left = Infinity

  /** A directory with these entries, opened with the state machine from the snapshot, if there is one. */
  constructor(machine: StateMachine, entries: readonly JournalEntry[] = [], from?: MemorySnapshot) {
    this.#machine = machine
    this.entries = [...entries]
    const snapshotSequence = from?.sequence ?? 0
    this.recovery = { snapshotSequence, lastSequence: entries.at(-1)?.sequence ?? 0 }
    if (from) machine.restore(from.state)
    for (const { name, open } of from?.books ?? []) this.#define(name, open)
    for (const entry of entries) {
      if (entry.sequence <= snapshotSequence) continue
      if (entry.type === 'instrument') this.#define(entry.name)
      else if (entry.type === 'user') machine.apply(entry)
      else if (entry.type === 'hole') {
        const firstSequence = Math.max(entry.firstSequence, snapshotSequence + 1)
        machine.hole?.({ firstSequence, lastSequence: entry.sequence })
      } else {
        const refused = this.#books[entry.instrument - 1]?.apply(entry)
        if (refused !== undefined) throw new Error(`entry ${String(entry.sequence)}: ${refused}`)
      }
    }
  }

  get asManager(): PersistenceManager {
    return this as unknown as PersistenceManager
  }

  /** Nothing more is journaled after this many entries. */
  killAfter(entries: number): void {
    this.#left = entries
  }

  snapshot(): MemorySnapshot {
    return {
      sequence: this.#last,
      state: this.#machine.snapshot(),
      books: this.#books.map(({ open }, index) => ({
        name: this.#names[index] ?? '',
        open: new Map(open),
      })),
    }
  }

  // --- what runFlow calls ---

  readonly journal = {
    entries: ({ from, to }: { from: number; to: number }): AsyncIterable<JournalEntry> =>
      between(this.entries, from, to),
    [appendReserved]: (
      userType: number,
      payload: Uint8Array,
      options: { timestampNs?: number | bigint } = {},
    ): number => this.#appendPayload(userType, payload, options),
  }

  instruments(): { name: string; index: number }[] {
    return this.#names.map((name, index) => ({ name, index: index + 1 }))
  }

  defineInstrument({ name }: InstrumentDefinition): void {
    if (this.#names.includes(name)) return
    this.#define(name)
    const scales = { priceScale: 0, quantityScale: 0, kind: 'orders' as const }
    this.#append({ type: 'instrument', ...this.#base(this.#names.length, 0n), name, ...scales })
  }

  book(name: string): unknown {
    const index = this.#names.indexOf(name) + 1
    const book = this.#books[index - 1]
    return { instrument: { name, index }, info: () => ({ orders: book?.open.size ?? 0 }) }
  }

  #appendPayload(
    userType: number,
    payload: Uint8Array,
    options: { timestampNs?: number | bigint },
  ): number {
    const base = this.#base(0, BigInt(options.timestampNs ?? 0))
    const entry = { type: 'user', ...base, userType, payload } as const
    this.#append(entry)
    this.#machine.apply(entry)
    return entry.sequence
  }

  batch(): unknown {
    return new MemoryBatch((operation) => this.#operate(operation))
  }

  #operate(operation: Staged): string | undefined {
    const entry = { ...operation, sequence: this.#last + 1 } as Operation
    if (this.#left === 0) throw killed()
    const refused = this.#books[entry.instrument - 1]?.apply(entry)
    if (refused === undefined) this.#append(entry)
    return refused
  }

  #append(entry: JournalEntry): void {
    if (this.#left === 0) throw killed()
    this.#left--
    this.entries.push(entry)
  }

  #define(name: string, open?: ReadonlyMap<bigint, number>): void {
    this.#names.push(name)
    this.#books.push(new MemoryBook(open))
  }

  get #last(): number {
    return this.entries.at(-1)?.sequence ?? 0
  }

  #base(instrument: number, timestampNs: bigint): Base {
    return { sequence: this.#last + 1, timestampNs, instrument, givenTime: true }
  }
}

interface Base {
  sequence: number
  timestampNs: bigint
  instrument: number
  givenTime: boolean
}

type Staged = Omit<Base, 'sequence'> & { type: Operation['type'] } & Record<string, unknown>
type BookOf = { instrument: { index: number } }

/** Stops at the first refused operation, and drops what follows it. */
class MemoryBatch {
  readonly #operate: (operation: Staged) => string | undefined
  #staged: Staged[] = []

  constructor(operate: (operation: Staged) => string | undefined) {
    this.#operate = operate
  }

  get size(): number {
    return this.#staged.length
  }

  /** Every field that the operation has: the books here look at those of their kind. */
  stage(book: BookOf, { kind, orderId, timestampNs, ...fields }: BookOperation): void {
    const id = orderId === undefined ? {} : { orderId: BigInt(orderId) }
    this.#staged.push({
      type: kind,
      instrument: book.instrument.index,
      timestampNs: BigInt(timestampNs ?? 0),
      givenTime: true,
      side: fields.side,
      price: fields.price,
      quantity: fields.quantity,
      ...id,
    })
  }

  commit(): { taken: number } {
    const staged = this.#staged.splice(0)
    let taken = 0
    for (const operation of staged) {
      let code: string | undefined
      try {
        code = this.#operate(operation)
      } catch (error) {
        throw Object.assign(error as Error, { details: { taken } })
      }
      if (code !== undefined) throw new PinnacleError(code, 'refused', { details: { taken } })
      taken++
    }
    return { taken }
  }
}

function killed(): Error {
  return new PinnacleError('ERR_PINNACLE_CLOSED', 'killed')
}

async function* between(
  entries: readonly JournalEntry[],
  from: number,
  to: number,
): AsyncGenerator<JournalEntry> {
  await Promise.resolve()
  for (const entry of entries) if (entry.sequence >= from && entry.sequence <= to) yield entry
}

/**
 * The journal that a salvage leaves: holes replace damaged entries, and those that the books refuse without
 * them.
 */
export function salvaged(
  entries: readonly JournalEntry[],
  damaged: (sequence: number) => boolean,
  from?: MemorySnapshot,
): JournalEntry[] {
  const kept: JournalEntry[] = []
  const books = (from?.books ?? []).map(({ open }) => new MemoryBook(open))
  const lose = (entry: JournalEntry, leftOut: number): void => {
    const first = entry.type === 'hole' ? entry.firstSequence : entry.sequence
    const before = kept.at(-1)
    if (before?.type === 'hole') {
      before.sequence = entry.sequence
      before.entriesLeftOut += leftOut
      return
    }
    kept.push({
      type: 'hole',
      sequence: entry.sequence,
      timestampNs: 0n,
      instrument: 0,
      givenTime: false,
      firstSequence: first,
      snapshotSequence: 0,
      entriesLeftOut: leftOut,
    })
  }
  for (const entry of entries) {
    if (entry.sequence <= (from?.sequence ?? 0)) continue
    if (entry.type === 'hole' || damaged(entry.sequence)) {
      lose(entry, 0)
      continue
    }
    if (entry.type === 'instrument') {
      // An index is known only if those before it are.
      if (entry.instrument !== books.length + 1) {
        lose(entry, 1)
        continue
      }
      books.push(new MemoryBook())
    } else if (entry.type !== 'user') {
      const book = books[entry.instrument - 1]
      if (!book || book.apply(entry) !== undefined) {
        lose(entry, 1)
        continue
      }
    }
    kept.push({ ...entry })
  }
  return kept
}
