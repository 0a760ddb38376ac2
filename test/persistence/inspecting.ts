/** A process that inspects a directory with a throwing progress listener, and reports the result. */
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
// Each call of the listener is its own turn of the event loop.
await delay(200)
process.send?.({ uncaught, tail: recovery.tail })
process.disconnect()
