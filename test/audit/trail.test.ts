import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AuditEvent } from '../../lib/audit/event.js'
import { decodeLine, type AuditLine } from '../../lib/audit/line.js'
import type { AuditStorage, AuditWriter, StoredLine } from '../../lib/audit/storage.js'
import { AuditTrail } from '../../lib/audit/trail.js'
import { verifyTrail, type AuditReport } from '../../lib/audit/verify.js'
import { realFiles } from '../../lib/secure/file-operations.js'
import type { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import { codeOfRejection, temporaryDirectory } from '../credentials/support.js'

/** Lines in memory, numbered as a journal numbers them; lines that are not durable can be lost. */
class MemoryStorage implements AuditStorage {
  lines: StoredLine[] = []
  failure: Error | undefined
  #durable = 0
  #next = 1

  write<T>(work: (writer: AuditWriter) => Promise<T>): Promise<T> {
    if (this.failure) return Promise.reject(this.failure)
    return work({
      append: (bytes) => {
        this.lines.push({ sequence: this.#next, bytes: Buffer.from(bytes) })
        return this.#next++
      },
      durable: () => {
        this.#durable = this.lines.length
        return Promise.resolve()
      },
    })
  }

  async *read(from: number): AsyncGenerator<StoredLine, void, undefined> {
    for (const line of [...this.lines]) {
      if (line.sequence >= from) yield await Promise.resolve(line)
    }
  }

  get durable(): number {
    return this.#durable
  }

  texts(): string[] {
    return this.lines.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  }
}

const event = (target: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  action: 'credentials.access',
  target,
  outcome: 'ok',
  ...more,
})

interface Sample {
  readonly directory: string
  readonly storage: MemoryStorage
  readonly trail: AuditTrail
  readonly root: SecretBuffer
}

async function sample(t: Parameters<typeof temporaryDirectory>[0], count: number): Promise<Sample> {
  const dataDirectory = temporaryDirectory(t)
  const storage = new MemoryStorage()
  const trail = new AuditTrail({ dataDirectory, storage })
  for (let i = 1; i < count; i++)
    await trail.record(event(`target ${String(i)}`, { detail: { i } }))
  const root = (await trail.rootKey())!.key
  t.teardown(() => {
    root.release()
  })
  return { directory: dataDirectory, storage, trail, root }
}

const verify = ({ trail, root }: Sample, key = true): Promise<AuditReport> =>
  verifyTrail(trail, { rootKey: key ? root : undefined })

t.test('lines say who did what, when, to what and with which outcome', async (t) => {
  const made = await sample(t, 3)
  const lines: AuditLine[] = []
  const report = await verifyTrail(made.trail, {
    rootKey: made.root,
    onLine: (line) => lines.push(line),
  })
  t.match(report, { lines: 3, authenticated: true, behindHead: 0, problem: null })
  t.match(lines, [
    { sequence: 1, action: 'audit.create', outcome: 'ok' },
    { sequence: 2, action: 'credentials.access', target: 'target 1', detail: { i: 1 } },
    {
      sequence: 3,
      actor: { uid: process.getuid?.(), pid: process.pid, host: /./ },
      time: /^\d{4}-.*Z$/,
    },
  ])
  t.match(await verify(made, false), { lines: 3, authenticated: false, problem: null })
  t.equal(made.storage.durable, 3, 'record resolves when its line is durable')
})

t.test('a removed line anywhere is found', async (t) => {
  const made = await sample(t, 6)
  const whole = made.storage.lines
  for (let gone = 0; gone < whole.length; gone++) {
    made.storage.lines = whole.filter((_, index) => index !== gone)
    for (const key of [true, false]) {
      const { problem } = await verify(made, key)
      t.equal(
        problem?.sequence,
        gone + 1,
        `line ${String(gone + 1)}, ${key ? 'with' : 'without'} the key`,
      )
    }
  }
  made.storage.lines = []
  t.match((await verify(made)).problem, { sequence: 1 }, 'also if all are')
})

t.test('a truncated end of any length is found by the head', async (t) => {
  const made = await sample(t, 6)
  const whole = made.storage.lines
  for (let kept = 0; kept < whole.length; kept++) {
    made.storage.lines = whole.slice(0, kept)
    t.match((await verify(made, false)).problem, {
      sequence: kept + 1,
      problem: /the head says that 6 lines/,
    })
    t.equal(
      await codeOfRejection(made.trail.record(event('x'))),
      'ERR_PINNACLE_AUDIT_TAMPERED',
      'and accepts no more lines',
    )
  }
})

t.test('every reordering, doubling and change is found', async (t) => {
  const made = await sample(t, 5)
  const whole = made.storage.lines
  for (let at = 0; at + 1 < whole.length; at++) {
    const swapped = [...whole]
    ;[swapped[at], swapped[at + 1]] = [whole[at + 1]!, whole[at]!]
    made.storage.lines = swapped
    t.equal((await verify(made)).problem?.sequence, at + 1, 'swapped')
    made.storage.lines = [...whole.slice(0, at + 1), ...whole.slice(at)]
    t.equal((await verify(made)).problem?.sequence, at + 2, 'doubled')
  }
  let flips = 0
  for (const [at, line] of whole.entries()) {
    for (let byte = 0; byte < line.bytes.length; byte++) {
      const bytes = Buffer.from(line.bytes)
      bytes[byte] = bytes[byte]! ^ (1 << (byte % 7))
      made.storage.lines = whole.map((other, index) => (index === at ? { ...line, bytes } : other))
      const { problem } = await verify(made)
      if (problem?.sequence !== at + 1) t.fail(`line ${String(at + 1)} byte ${String(byte)}`)
      flips++
    }
  }
  t.ok(flips > 1500, `${String(flips)} flips`)
})

t.test(
  'an intruder on the machine can not rewrite old lines, not even with head and present key',
  async (t) => {
    const made = await sample(t, 4)
    const headPath = join(made.directory, 'audit-head.json')
    const stolen = JSON.parse(readFileSync(headPath, 'utf8')) as { key: string; trail: string }
    // A forger who keeps the first two lines and reverts the head to them, with only the present key.
    const kept = made.storage.lines.slice(0, 2)
    const { createHash } = await import('node:crypto')
    const forged = {
      format: 'pinnacle-audit-head',
      version: 1,
      trail: stolen.trail,
      sequence: 2,
      journalSequence: 2,
      hash: createHash('sha256').update(kept[1]!.bytes).digest('hex'),
      key: stolen.key,
    }
    writeFileSync(headPath, `${JSON.stringify(forged, null, 2)}\n`)
    made.storage.lines = kept
    t.match(
      await verify(made, false),
      { problem: null },
      'without the verification key that can not be detected',
    )
    t.match(
      (await verify(made)).problem,
      { sequence: 3, problem: /head was replaced/ },
      'with it, it can',
    )
  },
)

t.test('a crash between line and head is caught up with, and counted', async (t) => {
  const dataDirectory = temporaryDirectory(t)
  const storage = new MemoryStorage()
  let dying = false
  const files = {
    ...realFiles,
    create: (path: string, bytes: Uint8Array): Promise<void> =>
      dying ? Promise.reject(new Error('killed')) : realFiles.create(path, bytes),
  }
  const trail = new AuditTrail({ dataDirectory, storage, files })
  await trail.record(event('one'))
  dying = true
  t.equal(await codeOfRejection(trail.record(event('two'))), 'ERR_PINNACLE_AUDIT_UNAVAILABLE')
  dying = false
  using root = await trail.rootKey()
  t.match(await verifyTrail(trail, { rootKey: root?.key }), {
    lines: 3,
    behindHead: 1,
    problem: null,
  })
  await trail.record(event('three'))
  t.match(await verifyTrail(trail, { rootKey: root?.key }), {
    lines: 4,
    behindHead: 0,
    problem: null,
  })
  storage.lines.push({ sequence: 9, bytes: Buffer.from(storage.lines[3]!.bytes) })
  t.equal(
    await codeOfRejection(trail.record(event('x'))),
    'ERR_PINNACLE_AUDIT_TAMPERED',
    'but not with what is not authentic',
  )
})

t.test('a missing or damaged head is tampering, and a restart keeps the evidence', async (t) => {
  const made = await sample(t, 3)
  unlinkSync(join(made.directory, 'audit-head.json'))
  t.match((await verify(made)).problem, { problem: /head .* is missing/ })
  t.equal(await codeOfRejection(made.trail.record(event('x'))), 'ERR_PINNACLE_AUDIT_TAMPERED')
  made.storage.lines = []
  const suffix = await made.trail.restart()
  t.match(suffix, /^\.\d{4}-/)
  t.match(made.storage.texts().at(-1), /putAside/)
  const damaged = await sample(t, 3)
  writeFileSync(join(damaged.directory, 'audit-head.json'), '{}')
  t.equal(await codeOfRejection(damaged.trail.record(event('x'))), 'ERR_PINNACLE_AUDIT_UNAVAILABLE')
})

t.test('many records at once keep their order and share their writes', async (t) => {
  const dataDirectory = temporaryDirectory(t)
  const storage = new MemoryStorage()
  const [one, two] = [
    new AuditTrail({ dataDirectory, storage }),
    new AuditTrail({ dataDirectory, storage }),
  ]
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => (i % 2 ? one : two).record(event(`t${String(i)}`))),
  )
  await one.settled()
  using root = await one.rootKey()
  t.match(await verifyTrail(one, { rootKey: root?.key }), { lines: 61, problem: null })
})

t.test('a storage that fails rejects what it should have recorded, and nothing else', async (t) => {
  const made = await sample(t, 2)
  made.storage.failure = Object.assign(new Error('the disk is full'), {
    code: 'ERR_PINNACLE_NO_SPACE',
  })
  await t.rejects(made.trail.record(event('x')), {
    code: 'ERR_PINNACLE_AUDIT_UNAVAILABLE',
    message: /nothing was done: the disk is full/,
  })
  made.storage.failure = undefined
  await made.trail.record(event('y'))
  t.match(await verify(made), { lines: 3, problem: null })
})

t.test('what comes from outside can not forge a line on a terminal or break one', async (t) => {
  const made = await sample(t, 2)
  await made.trail.record(
    event('a\n{"v":1}\u001b[2J', { detail: { 'x\u0000y': 'z\u009b', n: Infinity } }),
  )
  const line = decodeLine(made.storage.lines.at(-1)!.bytes)
  t.equal(line.target, 'a?{"v":1}?[2J')
  t.same(line.detail, { 'x?y': 'z?', n: null })
  await made.trail.record(event('x'.repeat(5000)))
  t.equal(decodeLine(made.storage.lines.at(-1)!.bytes).target.length, 512)
  t.match(await verify(made), { problem: null })
})
