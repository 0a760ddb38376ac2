/**
 * A user entry in words, as far as a module of this package wrote it; others as the start of their bytes. Pure.
 * The user type says who wrote an entry. What does not decode is somebody else's: version 0.1.0 left all types to
 * users.
 */
import { decodeLine } from '../audit/line.js'
import { decodeFlowPayload } from '../entry/flow-payload.js'
import { isFeedType, UserType } from '../registry/user-types.js'
import { decodeFeedEntry } from '../market-data/record/entry-codec.js'
import { forkPayload } from '../torture/flow.js'
import { decodeFill } from '../torture/ledger.js'
import type { EntryCells, Scaled } from './entry-cells.js'
import { feedCells } from './feed-entry-text.js'

const shownBytes = 16

export function userCells(
  userType: number,
  payload: Uint8Array,
  scaled: Scaled,
): Partial<EntryCells> {
  return knownCells(userType, payload, scaled) ?? { detail: bytesText(userType, payload) }
}

function knownCells(
  userType: number,
  payload: Uint8Array,
  scaled: Scaled,
): Partial<EntryCells> | undefined {
  if (isFeedType(userType)) {
    const entry = decoded(() => decodeFeedEntry(userType, payload))
    return entry && feedCells(entry, scaled)
  }
  const detail = detailOf(userType, payload)
  return detail === undefined ? undefined : { detail }
}

function detailOf(userType: number, payload: Uint8Array): string | undefined {
  switch (userType) {
    case UserType.flow:
      return flowText(payload)
    case UserType.torture.fill: {
      const fill = decodeFill(payload)
      return fill && `torture: account ${String(fill.account)} gets ${String(fill.quantity)}`
    }
    case UserType.torture.fork:
      return Buffer.compare(payload, forkPayload) === 0 ? 'torture: entry of a fork' : undefined
    case UserType.audit.line:
      return auditText(payload)
    default:
      return undefined
  }
}

const noteTexts: Readonly<Record<number, string>> = {
  1: 'skipped: broken line',
  2: 'skipped: order born before the file',
  3: 'skipped: contradicts the book',
  4: 'fill',
  5: 'modification without change',
  6: 'skipped: needs a lost event',
}

function flowText(payload: Uint8Array): string | undefined {
  const flow = decodeFlowPayload(payload)
  if (flow === undefined) return undefined
  if (flow.kind === 'note') return `${noteTexts[flow.reason] ?? 'note'}, line ${String(flow.line)}`
  const { name, events, complete } = flow.mark
  return `${name}: ${String(events)} events${complete ? ', complete' : ''}`
}

function auditText(payload: Uint8Array): string | undefined {
  const line = decoded(() => decodeLine(payload))
  if (line === undefined) return undefined
  const { sequence, time, action, target, outcome } = line
  return `audit line ${String(sequence)}, ${time}: ${action} ${target}: ${outcome}`
}

function bytesText(userType: number, payload: Uint8Array): string {
  const { byteLength } = payload
  const shown = Buffer.from(payload.subarray(0, shownBytes)).toString('hex')
  const bytes = byteLength === 0 ? '' : ` ${shown}${byteLength > shownBytes ? '…' : ''}`
  return `type ${String(userType)}, ${String(byteLength)} bytes${bytes}`
}

function decoded<Entry>(decode: () => Entry): Entry | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}
