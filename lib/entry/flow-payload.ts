/**
 * The payloads of order flow's own entries. The first byte is the kind: 1 a mark (then JSON), 2 a note (reason, six
 * zeros, the line as float64). docs/format.md has the bytes.
 */

const markByte = 1
const noteByte = 2
const noteBytes = 16
const lineOffset = 8

/** The position of a run in its source. `lost` only if it is not 0, `start` in the first mark of a run. */
export interface FlowMark {
  key: string
  /** For people: the source's name. */
  name: string
  events: number
  lost?: number
  atLeast?: number
  complete: boolean
  running: boolean
  start?: boolean
}

export type FlowPayload =
  { kind: 'mark'; mark: FlowMark } | { kind: 'note'; reason: number; line: number }

export function encodeMark(mark: FlowMark): Uint8Array {
  const { key, name, events, lost = 0, atLeast, complete, running, start = false } = mark
  const json = Buffer.from(
    JSON.stringify({
      key,
      name,
      events,
      complete,
      running,
      ...(lost === 0 ? {} : { lost }),
      ...(atLeast === undefined ? {} : { atLeast }),
      ...(start ? { start } : {}),
    }),
  )
  return Buffer.concat([Buffer.from([markByte]), json])
}

export function encodeNote(reason: number, line: number): Uint8Array {
  const bytes = new Uint8Array(noteBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, noteByte)
  view.setUint8(1, reason)
  view.setFloat64(lineOffset, line, true)
  return bytes
}

/** Decodes a payload; undefined if it is neither a mark nor a note. The entry's user type does not matter. */
export function decodeFlowPayload(payload: Uint8Array): FlowPayload | undefined {
  if (payload[0] === markByte) {
    const mark = decodeMark(payload.subarray(1))
    return mark && { kind: 'mark', mark }
  }
  if (payload[0] !== noteByte || payload.byteLength !== noteBytes) return undefined
  for (let at = 2; at < lineOffset; at++) if (payload[at] !== 0) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  const line = view.getFloat64(lineOffset, true)
  return isCount(line) ? { kind: 'note', reason: view.getUint8(1), line } : undefined
}

function decodeMark(json: Uint8Array): FlowMark | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(json).toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { key, name, events, complete, running } = value as Readonly<Record<string, unknown>>
  const isMark =
    typeof key === 'string' &&
    typeof name === 'string' &&
    isCount(events) &&
    typeof complete === 'boolean' &&
    typeof running === 'boolean'
  return isMark ? (value as FlowMark) : undefined
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
