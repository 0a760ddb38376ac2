/**
 * A kept path names the same file however process.chdir moves the process meanwhile: the path is made absolute
 * once, when it is given.
 */
import path from 'node:path'
import { PinnacleError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'

/** The path, absolute. One with ".." is not shortened: after a symbolic link it means something else. */
export function absolutePath(given: string): string {
  if (path.isAbsolute(given)) return given
  let working: string
  try {
    working = process.cwd()
  } catch (cause) {
    throw new PinnacleError(
      'ERR_PINNACLE_NOT_FOUND',
      `the path "${given}" is relative, and the working directory is gone; give an absolute path`,
      { cause },
    )
  }
  return given.split(path.sep).includes('..') ? `${working}/${given}` : path.join(working, given)
}

/** The same of what a caller gave, which may be anything. `what` names it in the error. */
export function checkPath(given: unknown, what: string): string {
  if (typeof given === 'string' && given !== '' && !given.includes('\0')) return absolutePath(given)
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `${what} must be a path, not ${shown(given)}`,
  )
}
