/**
 * A state machine's state in two ways that share no code. `LedgerMachine` is what a user writes: it reads
 * the bytes of user entries, live and at recovery, and its state goes into snapshots. `ExpectedLedger` is
 * the judge's: it works from the flow's own numbers and sees neither bytes nor snapshots.
 *
 * The state shows an entry that is missing, applied twice, out of order or of another content: it counts
 * the entries, adds the fills of each account, and folds type and content of each entry into `chain`.
 */
import { UserType } from '../registry/user-types.js'
import type { UserEntry } from '../entry/entry.js'
import type { StateMachine } from '../entry/state-machine.js'
import { fillBytes, type Fill, type PayloadEvent } from './flow.js'
import type { Range } from './ranges.js'

/** The state as plain data. */
export interface LedgerPicture {
  entries: number
  lastSequence: number
  chain: number
  /** By account. */
  positions: Record<string, number>
  /** What a repair said is lost. */
  holes: Range[]
}

const chainFactor = 31
const chainModulus = 1_000_003

/** undefined if the payload does not have the length of a fill. */
export function decodeFill(payload: Uint8Array): Fill | undefined {
  if (payload.byteLength !== fillBytes) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return { account: view.getUint32(0, true), quantity: view.getInt32(4, true) }
}

export class LedgerMachine implements StateMachine {
  #state: LedgerPicture = { entries: 0, lastSequence: 0, chain: 0, positions: {}, holes: [] }

  get picture(): LedgerPicture {
    return this.#state
  }

  apply({ sequence, userType, payload }: UserEntry): void {
    const state = this.#state
    if (sequence <= state.lastSequence) {
      throw new Error(`entry ${String(sequence)} came after ${String(state.lastSequence)}`)
    }
    let sum = userType
    for (const byte of payload) sum += byte
    state.entries++
    state.lastSequence = sequence
    state.chain = (state.chain * chainFactor + sum) % chainModulus
    const fill = userType === UserType.torture.fill ? decodeFill(payload) : undefined
    if (fill === undefined) return
    const account = String(fill.account)
    state.positions[account] = (state.positions[account] ?? 0) + fill.quantity
  }

  /** Lost entries, said by a recovery of a repaired journal. */
  hole({ firstSequence, lastSequence }: { firstSequence: number; lastSequence: number }): void {
    this.#state.holes.push([firstSequence, lastSequence])
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.#state))
  }

  restore(bytes: Uint8Array): void {
    this.#state = JSON.parse(Buffer.from(bytes).toString()) as LedgerPicture
  }
}

export class ExpectedLedger {
  readonly #positions = new Map<number, number>()
  #entries = 0
  #lastSequence = 0
  #chain = 0

  apply(sequence: number, { userType, bytes, fill }: PayloadEvent): void {
    this.#entries += 1
    this.#lastSequence = sequence
    const sum = bytes.reduce((total, byte) => total + byte, 0)
    this.#chain = (chainFactor * this.#chain + userType + sum) % chainModulus
    if (fill === undefined) return
    const before = this.#positions.get(fill.account) ?? 0
    this.#positions.set(fill.account, before + fill.quantity)
  }

  picture(): LedgerPicture {
    const accounts = [...this.#positions].sort(([a], [b]) => a - b)
    return {
      entries: this.#entries,
      lastSequence: this.#lastSequence,
      chain: this.#chain,
      positions: Object.fromEntries(accounts),
      holes: [],
    }
  }
}

/** The first difference but for holes; '' if there is none. */
export function ledgerDifference(found: LedgerPicture, expected: LedgerPicture): string {
  for (const key of ['entries', 'lastSequence', 'chain'] as const) {
    if (found[key] !== expected[key]) {
      return `${key} ${String(found[key])}, ${String(expected[key])} expected`
    }
  }
  const accounts = new Set([...Object.keys(found.positions), ...Object.keys(expected.positions)])
  for (const account of accounts) {
    const [have, want] = [found.positions[account], expected.positions[account]]
    if (have !== want) {
      return `account ${account} has ${String(have)}, ${String(want)} expected`
    }
  }
  return ''
}
