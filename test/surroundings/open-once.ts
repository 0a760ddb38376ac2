/** Opens a data directory, appends an entry and closes; prints the result. */
import { PersistenceManager } from '../../lib/index.js'

try {
  const [, , dataDirectory = ''] = process.argv
  const manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
  manager.append(2, new Uint8Array([2]))
  await manager.close()
  process.stdout.write('opened\n')
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`)
}
