/** A process that inspects a directory with a progress listener that throws; it says what came of it. */
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from '../../lib/index.js'

const [, , directory = ''] = process.argv
const uncaught: string[] = []
process.on('uncaughtException', (error) => uncaught.push(error.message))
const { recovery } = await inspect(directory, {
  onProgress() {
    throw new Error('progress')
  },
})
// The listener's calls are turns of the event loop of their own.
await delay(200)
process.send?.({ uncaught, tail: recovery.tail })
process.disconnect()
