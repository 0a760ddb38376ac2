/**
 * Files of received frames, one per line. Two kinds exist: lines that are frames; and lines of the form
 * `{"t":"recv","conn":…,"ts":seconds,"data":"the frame"}` among others (`connect`, `send`, `http`, a header).
 * The second kind also records receipt times and the start of each connection.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { PinnacleError } from '../../errors/pinnacle-error.js'

export type RecordingLine =
  /** `receivedNs` is null if the file has no times. */
  | { kind: 'frame'; text: string; receivedNs: bigint | null; line: number }
  | { kind: 'connect'; url: string | null }

const envelopeKinds: ReadonlySet<unknown> = new Set(['header', 'http', 'connect', 'send', 'recv'])

export async function* readRecording(file: string): AsyncGenerator<RecordingLine> {
  const stream = createReadStream(file)
  const opened = new Promise<void>((resolve, reject) => {
    stream.once('open', () => {
      resolve()
    })
    stream.once('error', reject)
  })
  await opened.catch((cause: unknown) => {
    throw fileError(file, `it can't be read: ${(cause as Error).message}`, cause)
  })
  let line = 0
  let connection: unknown
  const ended = new Set<unknown>()
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      ++line
      if (text.trim() === '') continue
      const parsed = objectOf(text)
      if (!parsed && line === 1) {
        throw fileError(
          file,
          'its first line is not a JSON object, so it is not a recording of a feed',
        )
      }
      if (!parsed || !envelopeKinds.has(parsed['t'])) {
        yield { kind: 'frame', text, receivedNs: null, line }
        continue
      }
      const { t: kind, conn, addr, data, ts } = parsed
      if (kind === 'connect') {
        if (connection !== undefined) ended.add(connection)
        connection = conn
        yield { kind: 'connect', url: typeof addr === 'string' ? addr : null }
      } else if (kind === 'recv') {
        if (conn !== undefined && ended.has(conn)) {
          throw fileError(
            file,
            `line ${String(line)} is of the connection ${JSON.stringify(conn)}, which another one has followed; ` +
              'split the file by connections, their numbers are counted apart',
          )
        }
        if (typeof data !== 'string') {
          throw fileError(file, `line ${String(line)} has no frame in "data"`)
        }
        yield { kind: 'frame', text: data, receivedNs: nanosecondsOf(ts), line }
      }
    }
  } finally {
    stream.destroy()
  }
}

export function fileError(file: string, problem: string, cause?: unknown): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_FEED_FILE',
    `${file} can't be replayed: ${problem}`,
    cause === undefined ? { details: { file } } : { cause, details: { file } },
  )
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Such a file's seconds have microseconds as decimals, which a double can hold. */
function nanosecondsOf(seconds: unknown): bigint | null {
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds < 2 ** 33)) return null
  return BigInt(Math.round(seconds * 1e6)) * 1000n
}
