import { PinnacleError } from '../errors/pinnacle-error.js'

export type FlowErrorCode =
  | 'ERR_PINNACLE_FLOW_BROKEN_LINE'
  | 'ERR_PINNACLE_FLOW_INCONSISTENT'
  | 'ERR_PINNACLE_FLOW_UNKNOWN_ORDER'
  | 'ERR_PINNACLE_FLOW_UNKNOWN_FORMAT'
  | 'ERR_PINNACLE_FLOW_EMPTY'
  | 'ERR_PINNACLE_FLOW_UNREADABLE'
  | 'ERR_PINNACLE_FLOW_OPENING_BOOK'
  | 'ERR_PINNACLE_FLOW_SEVERAL_SYMBOLS'
  | 'ERR_PINNACLE_FLOW_NO_INSTRUMENT'
  | 'ERR_PINNACLE_FLOW_SOURCE_CHANGED'
  | 'ERR_PINNACLE_FLOW_RESUME_MISMATCH'
  | 'ERR_PINNACLE_FLOW_POSITION_LOST'

export function flowError(
  code: FlowErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): PinnacleError {
  return new PinnacleError(code, message, { details, ...(cause === undefined ? {} : { cause }) })
}

/** What a parser throws about a line; the reader that knows file and line wraps it. */
export class LineProblem extends Error {
  override readonly name = 'LineProblem'
}

/** The line as an error shows it: short and printable. */
export function shownLine(line: string): string {
  const printable = line.replace(/[^\x20-\x7e]/g, '·')
  return printable.length > 80 ? `${printable.slice(0, 77)}...` : printable
}

export function brokenLine(
  file: string,
  line: number,
  text: string,
  problem: string,
): PinnacleError {
  return flowError(
    'ERR_PINNACLE_FLOW_BROKEN_LINE',
    `${file}:${String(line)}: ${problem}: "${shownLine(text)}"; correct the file, or skip and count ` +
      'such lines (brokenLines: "skip", --broken-lines skip)',
    { file, line, problem },
  )
}
