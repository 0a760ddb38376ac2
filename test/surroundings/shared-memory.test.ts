// Memory that native code and JavaScript share remains valid whatever JavaScript does to it, and memory that
// other threads write to is copied before any work on it.
import { once } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import t from 'tap'
import { inspect, Journal, type StateMachine } from '../../lib/index.js'
import { flow, open } from '../persistence/setup.js'

/** Node 20 has these; TypeScript's library of that year lacks them. */
interface Resizable {
  resize(bytes: number): void
}
const resizable = (bytes: number, most: number): ArrayBuffer & Resizable =>
  new (
    ArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & Resizable
  )(bytes, { maxByteLength: most })
const growable = (bytes: number, most: number): SharedArrayBuffer =>
  new (
    SharedArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => SharedArrayBuffer
  )(bytes, { maxByteLength: most })

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Memory: new (size: { initial: number; maximum: number; shared: boolean }) => {
      buffer: ArrayBufferLike
    }
  }
}
const wasm = (shared: boolean): ArrayBufferLike =>
  new WebAssembly.Memory({ initial: 1, maximum: 2, shared }).buffer

class Keeper implements StateMachine {
  restored: Uint8Array | undefined
  constructor(readonly bytes: () => Uint8Array) {}
  apply(): void {
    // The test provides the state.
  }
  snapshot(): Uint8Array {
    return this.bytes()
  }
  restore(bytes: Uint8Array): void {
    this.restored = bytes
  }
}

const memories: Record<string, () => Uint8Array> = {
  'a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(64)),
  'a part of a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(256), 100, 50),
  'a growable SharedArrayBuffer': () => new Uint8Array(growable(64, 4096)),
  'the memory of a WebAssembly module': () => new Uint8Array(wasm(false), 100, 50),
  'shared memory of WebAssembly': () => new Uint8Array(wasm(true), 100, 50),
  'a resizable ArrayBuffer': () => new Uint8Array(resizable(64, 256)),
  'a Buffer of the pool': () => Buffer.from('x'.repeat(60)),
}

for (const [name, make] of Object.entries(memories)) {
  t.test(`a state machine's snapshot over ${name} is kept and restored`, async (t) => {
    const directory = join(t.testdir(), 'data')
    const bytes = make()
    bytes.forEach((_, index) => (bytes[index] = (index * 7) & 0xff))
    const expected = [...bytes]
    const first = await open(directory, { stateMachine: new Keeper(() => bytes) })
    first.append(1, bytes)
    first.journal.appendBatch(1, [bytes, bytes])
    const taken = first.snapshot()
    // It is copied before the call returns.
    await Promise.resolve()
    bytes.fill(0)
    t.equal((await taken).stateBytes, expected.length)
    await first.close()

    const keeper = new Keeper(() => bytes)
    const second = await open(directory, { stateMachine: keeper })
    t.strictSame([...(keeper.restored ?? [])], expected)
    for await (const entry of second.journal.entries({ types: ['user'] })) {
      t.strictSame(entry.type === 'user' && [...entry.payload], expected)
    }
    await second.close()
  })
}

t.test('a buffer that shrinks while a snapshot runs, or was detached, is harmless', async (t) => {
  const directory = join(t.testdir(), 'data')
  const buffer = resizable(1 << 20, 1 << 20)
  const bytes = new Uint8Array(buffer)
  const manager = await open(directory, { stateMachine: new Keeper(() => bytes) })
  manager.append(1, Buffer.from('a'))
  const taken = manager.snapshot()
  await Promise.resolve()
  buffer.resize(16)
  t.equal((await taken).stateBytes, 1 << 20)
  manager.append(1, Buffer.from('b'))
  structuredClone(buffer, { transfer: [buffer] })
  await t.rejects(manager.snapshot(), { code: 'ERR_PINNACLE_STATE_MACHINE' })
  manager.append(1, bytes)
  await manager.close()
})

t.test(
  'a payload that shrinks while its options are read is journaled as it is then',
  async (t) => {
    const manager = await open(join(t.testdir(), 'data'))
    const before = manager.appendedFrontier
    for (const bytes of [40, 4000, 200_000]) {
      const buffer = resizable(bytes, bytes)
      const payload = new Uint8Array(buffer).fill(7)
      const options = {
        get timestampNs(): number {
          buffer.resize(8)
          return 5
        },
      }
      manager.journal.append(1, payload, options)
      buffer.resize(bytes)
      manager.journal.appendBatch(1, [payload, payload], options)
    }
    for await (const entry of manager.journal.entries({ from: before + 1 })) {
      t.equal(entry.type === 'user' && entry.payload.length, 8)
    }
    t.equal(manager.appendedFrontier, before + 9)
    await manager.close()
  },
)

t.test(
  'the lanes can not be transferred away, and go on as if the attempt had not been made',
  async (t) => {
    const directory = join(t.testdir(), 'data')
    const manager = await open(directory)
    flow(manager, 10)
    const { lanes } = manager.journal
    const length = lanes.length
    const { port1, port2 } = new MessageChannel()
    const transfer = [lanes.buffer as unknown as ArrayBuffer]
    t.throws(() => structuredClone(lanes, { transfer }))
    t.throws(() => {
      port1.postMessage(lanes, transfer)
    })
    port1.close()
    port2.close()
    const { transfer: move } = lanes.buffer as { transfer?: unknown }
    t.equal(move, undefined, 'no method detaches it')
    t.equal(lanes.length, length)

    const before = manager.appendedFrontier
    lanes[0] = 1.5
    manager.journal.appendLanes(1, 1)
    manager.append(1, Buffer.from('hello'))
    flow(manager, 10, 100)
    manager.batch().add(manager.book('AAPL'), 1_000_000, 0, 100, 1).commit()
    const { appendedFrontier } = manager
    t.ok(appendedFrontier > before + 10)
    await manager.close()
    const again = await open(directory)
    t.equal(again.appendedFrontier, appendedFrontier)
    await again.close()
  },
)

t.test('a thread that writes into the lanes at every moment breaks nothing', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     const lanes = new Float64Array(workerData)
     const odd = [NaN, -1, 2 ** 60, 1e300, 0, 1, 17, 1024, 5e-324, 2 ** 53, 98432, 40000, 0x80, 0x3ff]
     parentPort.postMessage('writing')
     for (let i = 0; ; i++) lanes[(i * 7) % 40] = odd[(i * 13) % odd.length]`,
    { eval: true, workerData: manager.journal.lanes.buffer },
  )
  await once(worker, 'message')
  const until = Date.now() + 1000
  let calls = 0
  const batch = manager.batch({ skipRefused: true })
  while (Date.now() < until) {
    for (const call of [
      () => manager.append(1, Buffer.alloc(100)),
      () => manager.journal.appendLanes(1, 4),
      () => manager.journal.appendLanesBatch(1, 4, 100),
      () => manager.book('AAPL').add(++calls, 0, 100, 1),
      () => batch.add(manager.book('AAPL'), ++calls, 0, 100, 1).commit(),
    ]) {
      try {
        call()
      } catch {
        // Whatever the other thread made of it.
      }
    }
  }
  await worker.terminate()
  t.ok(calls > 100)
  const appended = manager.appendedFrontier
  await manager.close()
  const report = await inspect(directory)
  t.equal(report.recovery.tail, 'clean')
  t.equal(report.recovery.lastSequence, appended)
  let read = 0
  for await (const entry of Journal.read(directory)) read = entry.sequence
  t.equal(read, appended)
})
