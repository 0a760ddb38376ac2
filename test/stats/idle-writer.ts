/** Opens a directory, appends one entry, and waits to be killed. */
import { PersistenceManager, type WritePath } from '../../lib/index.js'

const [dataDirectory = '', writePath = 'auto'] = process.argv.slice(2)
const manager = await PersistenceManager.open({ dataDirectory, writePath: writePath as WritePath })
manager.append(1, new Uint8Array(32))
await manager.durable()
process.send?.('open')
setInterval(() => manager.stats(), 1000)
