/** Recordings of real feeds, which are not part of the project: tests skip if they are missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = process.env['PINNACLE_TEST_DATA'] ?? resolve('..', 'shared', 'data')

/** For a test's options: false, or the reason to skip it. */
export function skipWithout(...files: string[]): false | string {
  const missing = files.find((file) => !existsSync(join(folder, file)))
  return missing === undefined
    ? false
    : `the recording ${missing} is missing; set PINNACLE_TEST_DATA to the folder that has it`
}

export function textOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

/** Frames of a file with one per line. */
export function framesOf(file: string): string[] {
  return textOf(file).trimEnd().split('\n')
}
