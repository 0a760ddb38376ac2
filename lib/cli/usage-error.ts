import { PinnacleError } from '../errors/pinnacle-error.js'

/** The command line is wrong. */
export function usageError(message: string): PinnacleError {
  return new PinnacleError('ERR_PINNACLE_USAGE', message)
}
