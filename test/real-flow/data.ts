/** Real order flow, which is not part of the project: tests skip if it is missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const orderFlow = join(
  process.env['PINNACLE_TEST_DATA'] ?? resolve('..', 'shared', 'data'),
  'order-flow',
)

/** For a test's options: false, or the reason to skip it. */
export function skipWithout(...files: string[]): false | string {
  const missing = files.find((file) => !existsSync(join(orderFlow, file)))
  return missing === undefined
    ? false
    : `the market data ${missing} is missing; set PINNACLE_TEST_DATA to the folder that has it`
}

/** Lines of a file, without the empty one at its end. */
export function linesOf(file: string): string[] {
  return readFileSync(join(orderFlow, file), 'utf8').trimEnd().split('\n')
}
