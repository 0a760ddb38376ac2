/**
 * Opens a manager, writes, reports its acknowledgements on stdout (one JSON line), and ends as its second
 * argument says, without close(). Run by the tests as a process, or as a worker thread.
 */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { PersistenceManager } from '../../lib/index.js'
import { flow, instruments, open } from '../persistence/setup.js'

export interface Told {
  appended: number
  digest: string
}

const [directory = '', ending = ''] = (workerData as string[] | null) ?? process.argv.slice(2)

function tell(manager: PersistenceManager): void {
  const told: Told = {
    appended: manager.appendedFrontier,
    digest: String(manager.book('AAPL').digest()),
  }
  if (parentPort) parentPort.postMessage(told)
  else writeSync(1, `${JSON.stringify(told)}\n`)
}

/** Each leaves the manager open. */
const endings: Record<string, (manager: PersistenceManager) => void> = {
  'nothing left to do'() {
    // The event loop runs empty: an open manager must not keep the process alive.
  },
  'process.exit in a listener'(manager) {
    manager.on('snapshot', () => process.exit(7))
    void manager.snapshot()
  },
  'process.exit where durable() resolves'(manager) {
    void manager.durable().then(() => process.exit(7))
  },
  'process.exit with a wait for durable() pending'(manager) {
    void manager.durable()
    process.exit(7)
  },
  'process.exit while a snapshot runs'(manager) {
    void manager.snapshot()
    process.exit(7)
  },
  'process.exit while a compaction runs'(manager) {
    void manager.snapshot().then(() => {
      void manager.compact({ force: true })
      process.exit(7)
    })
  },
  'process.exit while close() runs'(manager) {
    void manager.close()
    process.exit(7)
  },
  'an operation in the exit handler'(manager) {
    process.on('exit', () => {
      flow(manager, 10, 9)
      tell(manager)
    })
  },
  'an uncaught exception'() {
    setImmediate(() => {
      throw new Error('nobody catches this')
    })
  },
  'an uncaught exception in a listener'(manager) {
    manager.on('snapshot', () => {
      throw new Error('nobody catches this')
    })
    void manager.snapshot()
  },
  'an unhandled rejection'() {
    void Promise.reject(new Error('nobody handles this'))
  },
  'an abort'() {
    process.abort()
  },
  'waiting, with a snapshot running'(manager) {
    setInterval(() => undefined, 1000)
    const again = (): void => void manager.snapshot().then(again, again)
    again()
  },
  'waiting for durable()'(manager) {
    setInterval(() => undefined, 1000)
    const again = (): void => {
      manager.append(1, Buffer.from('more'))
      void manager.durable().then(again, () => undefined)
    }
    again()
  },
  waiting() {
    setInterval(() => undefined, 1000)
  },
}

if (ending === 'process.exit while recovery runs') {
  void PersistenceManager.open({ dataDirectory: directory, segmentSize: '64KiB', instruments })
  setImmediate(() => process.exit(7))
} else {
  const manager = await open(directory)
  // Order ids that no earlier round used.
  flow(manager, 500, manager.appendedFrontier + 1)
  tell(manager)
  const end = endings[ending]
  if (!end) throw new Error(`unknown ending ${ending}`)
  end(manager)
}
