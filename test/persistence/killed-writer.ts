/** Writes, reports what is appended, and waits to be killed. */
import { flow, open } from './setup.js'

const [, , directory = ''] = process.argv
const manager = await open(directory)
flow(manager, 2000)
process.send?.({
  sequence: manager.appendedFrontier,
  digest: String(manager.book('AAPL').digest()),
})
setInterval(() => undefined, 1000)
