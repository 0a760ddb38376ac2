import { isDatabentoHeader } from './databento-csv.js'
import { LineProblem, flowError, shownLine } from './flow-error.js'
import { firstLines } from './line-reader.js'
import { parseLobsterMessage } from './lobster-csv.js'

export const flowFormats = ['lobster', 'databento'] as const
export type FlowFormat = (typeof flowFormats)[number]

/** The format by the file's first line: a Databento header, or a LOBSTER message. */
export async function detectFormat(path: string): Promise<FlowFormat> {
  const [first] = await firstLines(path, 1)
  if (first === undefined) {
    throw flowError('ERR_PINNACLE_FLOW_EMPTY', `the order-flow file "${path}" is empty`, {
      file: path,
    })
  }
  if (isDatabentoHeader(first.text)) return 'databento'
  if (isLobsterMessage(first.text)) return 'lobster'
  throw flowError(
    'ERR_PINNACLE_FLOW_UNKNOWN_FORMAT',
    `"${path}" is neither a LOBSTER message file (time, type, order id, size, price, direction; no header) nor a ` +
      `Databento mbo file (header with ts_event, action, side, price, size, order_id, symbol). Its first line: ` +
      `"${shownLine(first.text)}". If it is one with a damaged first line, say which (--format)`,
    { file: path },
  )
}

function isLobsterMessage(text: string): boolean {
  try {
    parseLobsterMessage(text)
    return true
  } catch (error) {
    if (error instanceof LineProblem) return false
    throw error
  }
}
