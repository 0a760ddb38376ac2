/**
 * Makes one backup as `pinnacle backup` does, in a separate process: the arguments are directory and
 * destination.
 */
import { backup, isPinnacleError } from '../../lib/index.js'
import type { Answer } from './writer.js'

const [dataDirectory, destination] = process.argv.slice(2) as [string, string]
const answer = { before: 0, durable: 0 }
try {
  const { lastSequence, restarts, sharedFiles, path } = await backup(dataDirectory, destination)
  const made = { lastSequence, restarts, sharedFiles, path }
  process.send?.({ ...answer, made } satisfies Answer)
} catch (error) {
  const text = isPinnacleError(error) ? `${error.code}: ${error.message}` : String(error)
  process.send?.({ ...answer, error: text } satisfies Answer)
}
process.disconnect()
