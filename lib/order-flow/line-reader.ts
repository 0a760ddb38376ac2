/**
 * Lines of a text file in chunks, without holding the file. Chunks, because an await per line would cost
 * more than the line.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { flowError } from './flow-error.js'

/** No order-flow line is near this long; a file without line ends must not fill the memory. */
const maxLineBytes = 64 * 1024
const readBytes = 256 * 1024

export interface Line {
  /** From 1. */
  number: number
  text: string
}

export interface LineReaderOptions {
  /** Called with the bytes read so far. */
  onBytes?: ((bytes: number) => void) | undefined
}

/** Line ends may be \n or \r\n. Empty lines are counted and not handed out. */
export async function* readLines(
  path: string,
  options: LineReaderOptions = {},
): AsyncGenerator<Line[], void, undefined> {
  const file = await openForReading(path)
  try {
    const buffer = Buffer.allocUnsafe(readBytes)
    let carry = ''
    let number = 0
    let position = 0
    for (;;) {
      const { bytesRead } = await readAt(file, buffer, position, path)
      if (bytesRead === 0) break
      position += bytesRead
      // One byte is one character, so a chunk may end anywhere. The formats are ASCII; whatever is not
      // fails in the parser, with its line number.
      const text = carry + buffer.toString('latin1', 0, bytesRead)
      const lines: Line[] = []
      let start = 0
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        number++
        const stop = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end
        if (stop > start) lines.push({ number, text: text.slice(start, stop) })
        start = end + 1
      }
      carry = text.slice(start)
      if (carry.length > maxLineBytes) {
        throw flowError(
          'ERR_PINNACLE_FLOW_BROKEN_LINE',
          `${path}:${String(number + 1)}: the line is longer than ${String(maxLineBytes)} bytes; this is no ` +
            'order-flow CSV',
          { file: path, line: number + 1 },
        )
      }
      options.onBytes?.(position)
      yield lines
    }
    const last = carry.endsWith('\r') ? carry.slice(0, -1) : carry
    if (last.length > 0) yield [{ number: number + 1, text: last }]
  } finally {
    await file.close()
  }
}

/** The first non-empty lines of a file. */
export async function firstLines(path: string, count: number): Promise<Line[]> {
  const first: Line[] = []
  for await (const lines of readLines(path)) {
    first.push(...lines.slice(0, count - first.length))
    if (first.length >= count) break
  }
  return first
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function readAt(
  file: FileHandle,
  buffer: Buffer,
  position: number,
  path: string,
): Promise<{ bytesRead: number }> {
  try {
    return await file.read(buffer, 0, buffer.length, position)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  return flowError(
    'ERR_PINNACLE_FLOW_UNREADABLE',
    `the order-flow file "${path}" can't be read: ${why}; check the path and its permissions`,
    { file: path },
    cause,
  )
}
