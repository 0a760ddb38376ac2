// A relative path is resolved when it is given. Two tenants, a/ and b/, have the same layout. Everything is
// opened in a/, then the working directory becomes b/. There the same relative path names similar files of the
// other tenant; b/ must not change by a byte. (Tests of a file share a process, and with it the working
// directory: they run one after another.)
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { absolutePath } from '../../lib/config/absolute.js'
import {
  AuditTrail,
  CredentialStore,
  readBackup,
  restoreBackup,
} from '../../lib/credentials/index.js'
import {
  backup,
  booksAt,
  Consumers,
  inspect,
  Journal,
  listBackups,
  PersistenceManager,
  repair,
  restore,
  Side,
} from '../../lib/index.js'
import { HistoryArchive } from '../../lib/market-data/history/history-archive.js'
import { PriceHistory } from '../../lib/market-data/history/price-history.js'
import { journalTicks, readRecordingStatus, RecordingStore } from '../../lib/market-data/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { fieldsOf, passwordOf, temporaryDirectory } from '../credentials/support.js'
import { all, product, tickOf } from '../market-data/history/ticks.js'

const home = process.cwd()
t.afterEach(() => {
  process.chdir(home)
})

const relative = './data'

/** Every file below the directory, with its content. */
function pictureOf(directory: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
    files[path.relative(directory, file)] = digest
  }
  return files
}

/** Runs `fill` in b/, then `use` in a/, which changes to b/ midway; returns whether b/ is unchanged. */
async function tenants(
  t: Test,
  fill: () => Promise<unknown>,
  use: (go: () => void) => Promise<unknown>,
): Promise<{ a: string; b: string }> {
  const base = temporaryDirectory(t)
  const [a, b] = [path.join(base, 'a'), path.join(base, 'b')]
  for (const tenant of [a, b])
    mkdirSync(path.join(tenant, 'data'), { recursive: true, mode: 0o700 })
  process.chdir(b)
  await fill()
  const before = pictureOf(b)
  process.chdir(a)
  await use(() => {
    process.chdir(b)
  })
  t.same(pictureOf(b), before, 'the other tenant is untouched')
  return { a, b }
}

const open = (dataDirectory = relative): Promise<PersistenceManager> =>
  PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    compactionThreshold: 0,
    keepSnapshots: 1,
    instruments: [{ name: 'X', priceScale: 2, quantityScale: 0 }],
  })

function trade(manager: PersistenceManager, from: number, count: number): void {
  const book = manager.book('X')
  for (let id = from; id < from + count; id++) book.add(id, Side.Buy, 1000, 1)
}

async function written(count: number): Promise<void> {
  const manager = await open()
  trade(manager, 1, count)
  await manager.snapshot()
  await manager.close()
}

t.test('a manager writes, rolls, snapshots, compacts and reads where it was opened', async (t) => {
  let end = 0
  const { a } = await tenants(
    t,
    () => written(300),
    async (go) => {
      const manager = await open()
      trade(manager, 1, 400)
      go()
      trade(manager, 401, 9000)
      end = manager.appendedFrontier
      const snapshot = await manager.snapshot()
      t.ok(path.isAbsolute(snapshot.path))
      t.equal((await manager.snapshots.verify(snapshot.path)).sequence, end)
      t.same(
        manager.snapshots.list().map(({ sequence }) => sequence),
        [end],
      )
      await manager.compact({ force: true })
      trade(manager, 9401, 10)
      end = manager.appendedFrontier
      let last = 0
      for await (const entry of manager.journal.entries()) last = entry.sequence
      t.equal(last, end)
      const book = await manager.bookAt('X', { sequence: end - 3 })
      t.ok(book.order(9407))
      t.notOk(book.order(9408))
      book.close()
      await manager.close()
    },
  )
  const again = await open(path.join(a, 'data'))
  t.equal(again.appendedFrontier, end, 'every acknowledged entry is recovered')
  await again.close()
})

t.test('a journal, and what reads a directory, stay with their directory', async (t) => {
  await tenants(
    t,
    () => written(7),
    async (go) => {
      await written(50)
      const verified = inspect(relative)
      go()
      t.equal((await verified).recovery.lastSequence, 51)
      process.chdir('../a')
      const reading = Journal.read(relative)
      const books = booksAt(relative, { sequence: 40 })
      const ticks = journalTicks(relative)
      const status = readRecordingStatus(relative)
      const mended = repair(relative, { policy: 'salvage', dryRun: true })
      const pure = verifyPure(relative)
      const manager = await open()
      const snapshot = manager.snapshots.verify(`${relative}/snapshots/${snapshotNameIn('.')}`)
      go()
      let last = 0
      for await (const entry of reading) last = entry.sequence
      t.equal(last, 51)
      const past = await books
      t.ok(past.book('X').order(39))
      t.notOk(past.book('X').order(40))
      past.close()
      t.equal((await status).appended, 51)
      t.equal((await snapshot).sequence, 51)
      for await (const tick of ticks('X')) t.fail(`a tick ${String(tick.sequence)}`)
      t.match(await mended, { lastSequence: 51, holes: { length: 0 } })
      t.equal(pure.verdict, 'clean')
      await manager.close()
    },
  )
  await tenants(
    t,
    async () => {
      const journal = await Journal.open({ dataDirectory: relative, segmentSize: '64KiB' })
      await journal.close()
    },
    async (go) => {
      const journal = await Journal.open({ dataDirectory: relative, segmentSize: '64KiB' })
      go()
      for (let i = 0; i < 3000; i++) journal.append(1, new Uint8Array(32))
      let read = 0
      for await (const entry of journal.entries()) read = entry.sequence
      t.equal(read, 3000)
      await journal.close()
    },
  )
})

function snapshotNameIn(tenant: string): string {
  return readdirSync(path.join(tenant, relative, 'snapshots'))[0] ?? ''
}

t.test('credentials, their backups and the audit trail stay with their directory', async (t) => {
  const create = async (): Promise<CredentialStore> => {
    const audit = new AuditTrail({ dataDirectory: relative })
    return CredentialStore.create({ dataDirectory: relative, provider: passwordOf(), audit })
  }
  const { a } = await tenants(
    t,
    async () => {
      const store = await create()
      await store.backup('./backup')
      await store.close()
    },
    async (go) => {
      const store = await create()
      const writing = store.backup('./backup')
      go()
      await writing
      await store.add({ name: 'key', kind: 'generic', fields: fieldsOf({ secret: 'v' }) })
      await store.close()
      process.chdir('../a')
      const backup = await readBackup('./backup')
      const audit = new AuditTrail({ dataDirectory: relative })
      const options = { dataDirectory: relative, backupPath: './backup', audit, force: true }
      const restoring = restoreBackup(options)
      go()
      t.equal((await restoring).store, backup.store)
    },
  )
  t.ok(readdirSync(path.join(a, 'data')).includes('audit'))
})

t.test('recordings and price history stay with their directory', async (t) => {
  const record = async (): Promise<RecordingStore> =>
    RecordingStore.open({ persistence: { dataDirectory: relative, segmentSize: '256KiB' } })
  const archived = async (count: number): Promise<HistoryArchive> => {
    const archive = await HistoryArchive.open({ directory: relative })
    archive.append(
      product,
      Array.from({ length: count }, (_, index) => tickOf(index + 1)),
    )
    return archive
  }
  await tenants(
    t,
    async () => (await record()).close(),
    async (go) => {
      const store = await record()
      go()
      store.define('BTC-USD', 'levels', { priceScale: 2, quantityScale: 8 })
      await store.close()
    },
  )
  await tenants(
    t,
    async () => (await archived(3)).flush(),
    async (go) => {
      const archive = await archived(20)
      const history = new PriceHistory({ directory: relative })
      go()
      await archive.flush()
      t.equal((await all(history.ticks({ product: product.name }))).length, 20)
    },
  )
})

t.test('an absolute path stays as it is, and one through a link keeps its "..".', async (t) => {
  const base = temporaryDirectory(t)
  mkdirSync(path.join(base, 'deep/er'), { recursive: true })
  symlinkSync(path.join(base, 'deep/er'), path.join(base, 'link'))
  process.chdir(base)
  t.equal(absolutePath('/x/../y'), '/x/../y')
  t.equal(absolutePath('./data'), path.join(process.cwd(), 'data'))
  t.equal(absolutePath('link/../data'), `${process.cwd()}/link/../data`)
  const manager = await open('link/../data')
  await manager.close()
  t.ok(readdirSync(path.join(base, 'deep/data')).includes('journal'), 'as the system follows it')
  await backup('link/../data', 'link/../backups')
  t.equal(listBackups(path.join(base, 'deep/backups')).length, 1)
  await restore('link/../backups', 'link/../restored')
  t.ok(readdirSync(path.join(base, 'deep/restored')).includes('journal'))
  await using consumer = await Consumers.of('link/../data').open('reader')
  t.equal(consumer.position, 0)
  t.ok(readdirSync(path.join(base, 'deep/data')).includes('consumers'))
  t.strictSame(readdirSync(base).sort(), ['deep', 'link'])
})

t.test('an invalid path is a coded error', async (t) => {
  const coded = { code: 'ERR_PINNACLE_INVALID_ARGUMENT' }
  await t.rejects(booksAt(undefined as never, { sequence: 1 }), coded)
  await t.rejects(backup('', 'x'), coded)
  await t.rejects(restore('x', 7 as never), coded)
  t.throws(() => Consumers.of(undefined as never), coded)
})
