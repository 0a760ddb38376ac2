import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  backup,
  inspect,
  isPinnacleError,
  listBackups,
  restore,
  verdictOf,
  type PersistenceManager,
} from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { fingerprint, flow, open } from './setup.js'

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (isPinnacleError(error) ? error.code : String(error)),
  )
}

/** A restored directory is clean to both readers, opens as it was, and accepts entries. */
async function checkRestored(
  t: Test,
  directory: string,
  expected: ReturnType<typeof fingerprint>,
): Promise<void> {
  t.equal(verdictOf(await inspect(directory)), 'clean')
  t.equal(verifyPure(directory).verdict, 'clean')
  const manager = await open(directory, { create: false })
  t.equal(manager.recovery.tail, 'clean')
  t.strictSame(fingerprint(manager), expected)
  flow(manager, 2000, 77)
  await manager.durable()
  const after = fingerprint(manager)
  await manager.close()
  t.equal(verifyPure(directory).verdict, 'clean')
  const again = await open(directory)
  t.strictSame(fingerprint(again), after)
  await again.close()
}

async function written(directory: string, operations = 5000): Promise<PersistenceManager> {
  const manager = await open(join(directory, 'data'))
  flow(manager, operations)
  await manager.snapshot()
  flow(manager, operations, 2)
  return manager
}

t.test('a backup of an open directory restores to what was appended when it ended', async (t) => {
  const directory = t.testdir()
  const manager = await written(directory)
  const phases = new Set<string>()
  const report = await manager.backup(join(directory, 'backups'), {
    onProgress: ({ phase }) => phases.add(phase),
  })
  const expected = fingerprint(manager)
  t.equal(report.lastSequence, manager.appendedFrontier)
  t.ok(report.lastSequence <= manager.durableFrontier, 'the end is durable here too')
  t.ok(report.snapshotSequence > 0)
  t.ok(phases.has('copy') && phases.has('verify'), [...phases].join())
  const restored = await restore(join(directory, 'backups'), join(directory, 'restored'))
  t.equal(restored.lastSequence, report.lastSequence)
  t.equal(restored.backup, report.path)
  await checkRestored(t, join(directory, 'restored'), expected)
  await manager.close()
})

t.test(
  'a backup beside a writer that is busy all the time holds a prefix of what it wrote',
  async (t) => {
    const directory = t.testdir()
    const manager = await written(directory)
    const stop = new AbortController()
    const books = new Map<number, bigint>()
    const writing = (async () => {
      for (let seed = 3; !stop.signal.aborted; seed++) {
        flow(manager, 300, seed)
        books.set(manager.appendedFrontier, manager.book('AAPL').info().digest)
        await manager.durable()
        if (seed % 7 === 0) await manager.snapshot()
      }
    })()
    const made = []
    for (let i = 0; i < 3; i++) made.push(await manager.backup(join(directory, 'backups')))
    stop.abort()
    await writing
    await manager.close()
    for (const [i, { path, lastSequence }] of made.entries()) {
      const target = join(directory, `restored-${String(i)}`)
      await restore(path, target)
      const opened = await open(target)
      t.equal(opened.appendedFrontier, lastSequence)
      const known = books.get(lastSequence)
      if (known !== undefined) t.equal(opened.book('AAPL').info().digest, known)
      await opened.close()
    }
  },
)

t.test('a closed directory is backed up, and so is one whose writer was killed', async (t) => {
  const directory = t.testdir()
  const manager = await written(directory)
  const expected = fingerprint(manager)
  await manager.close()
  const report = await backup(join(directory, 'data'), join(directory, 'backups'))
  t.equal(report.lastSequence, expected.appended)
  const again = await backup(join(directory, 'data'), join(directory, 'backups'))
  t.ok(again.sharedFiles > 0)
  t.ok(again.copiedBytes < report.copiedBytes)
  const found = listBackups(join(directory, 'backups'))
  t.strictSame(
    found.map(({ number, lastSequence, problem }) => [number, lastSequence, problem]),
    [
      [1, expected.appended, ''],
      [2, expected.appended, ''],
    ],
  )
  await restore(report.path, join(directory, 'restored'))
  await checkRestored(t, join(directory, 'restored'), expected)
})

t.test('what names no backup, or would write over something, is refused by its code', async (t) => {
  const directory = t.testdir({ full: { file: 'here' }, nothing: {} })
  const manager = await written(directory)
  const backups = join(directory, 'backups')
  const { path } = await manager.backup(backups)
  await manager.close()
  const at = (name: string): string => join(directory, name)
  t.equal(await codeOf(open(path)), 'ERR_PINNACLE_IS_BACKUP')
  t.equal(await codeOf(backup(path, at('other'))), 'ERR_PINNACLE_IS_BACKUP')
  t.equal(await codeOf(restore(path, at('full'))), 'ERR_PINNACLE_ALREADY_EXISTS')
  t.equal(await codeOf(restore(at('nothing'), at('x'))), 'ERR_PINNACLE_NOT_FOUND')
  t.equal(await codeOf(restore(at('missing'), at('x'))), 'ERR_PINNACLE_NOT_FOUND')
  t.equal(await codeOf(restore(backups, at('x'), { sequence: 3 })), 'ERR_PINNACLE_NOT_FOUND')
  t.equal(
    await codeOf(restore(backups, at('x'), { sequence: -1 })),
    'ERR_PINNACLE_INVALID_SEQUENCE',
  )
  t.equal(await codeOf(backup(at('data'), at('data'))), 'ERR_PINNACLE_INVALID_OPERATION')
  t.equal(await codeOf(backup(at('nothing'), at('y'))), 'ERR_PINNACLE_NOT_FOUND')
  t.equal(await codeOf(backup(at('data'), '')), 'ERR_PINNACLE_INVALID_ARGUMENT')
  t.equal(await codeOf(manager.backup(backups)), 'ERR_PINNACLE_CLOSED')
  truncateSync(join(path, 'HEAD'), 4096)
  t.equal(await codeOf(restore(backups, at('x'))), 'ERR_PINNACLE_BACKUP_CORRUPT')
  t.notOk(existsSync(at('x')) || existsSync(at('x.restoring')))
})

t.test('a backup that is given up, or whose directory is closed, leaves nothing', async (t) => {
  const directory = t.testdir()
  const manager = await written(directory, 20_000)
  const backups = join(directory, 'backups')
  const stop = new AbortController()
  const reason = new Error('enough')
  await t.rejects(
    manager.backup(backups, {
      signal: stop.signal,
      onProgress: () => {
        stop.abort(reason)
      },
    }),
    reason,
  )
  t.strictSame(readdirSync(backups), ['LOCK'])
  await t.rejects(manager.backup(backups, { signal: AbortSignal.abort(reason) }), reason)
  const running = codeOf(manager.backup(backups))
  await manager.close()
  t.match(await running, /^(done|ERR_PINNACLE_CLOSED)$/)
  t.notOk(readdirSync(backups).some((name) => name.endsWith('.tmp')))
})

t.test(
  'two backups into one place at a time: the second is refused, and the first is whole',
  async (t) => {
    const directory = t.testdir()
    const manager = await written(directory, 20_000)
    const backups = join(directory, 'backups')
    const results = await Promise.all([1, 2].map(() => codeOf(manager.backup(backups))))
    t.ok(results.includes('done'))
    t.ok(
      results.every((code) => code === 'done' || code === 'ERR_PINNACLE_LOCKED'),
      results.join(),
    )
    await manager.close()
  },
)

t.test(
  'a restored directory has every block of its segments, and none in common with the backup',
  async (t) => {
    const directory = t.testdir()
    const manager = await open(join(directory, 'data'), { segmentSize: '1MiB' })
    flow(manager, 3000)
    const { path } = await manager.backup(join(directory, 'backups'))
    await manager.close()
    const target = join(directory, 'restored')
    await restore(path, target)
    for (const name of readdirSync(join(target, 'journal'))) {
      const { size, blocks, nlink } = statSync(join(target, 'journal', name))
      t.equal(size, 1024 * 1024)
      t.ok(blocks * 512 >= size, `${name} has ${String(blocks * 512)} of ${String(size)} bytes`)
      t.equal(nlink, 1)
    }
  },
)
