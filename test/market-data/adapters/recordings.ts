/** Recordings of real feeds, which are not part of the project: tests skip where they are missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = process.env['PINNACLE_TEST_DATA'] ?? resolve('..', 'shared', 'data')

/** For a test's options: false, or why it is skipped. */
export function skipWithout(...files: string[]): false | string {
  const missing = files.find((file) => !existsSync(join(folder, file)))
  return missing === undefined
    ? false
    : `the recording ${missing} is missing; set PINNACLE_TEST_DATA to the folder that has it`
}

export function textOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

/** Frames of a file that has one a line. */
export function framesOf(file: string): string[] {
  return textOf(file).trimEnd().split('\n')
}
