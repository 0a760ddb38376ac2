/**
 * Random interleavings of a slow reader with a fast writer that rolls, snapshots, compacts, closes, repairs
 * and moves its directory away. The judge checks each reader's sequences. The reader must get everything from
 * its start on, in order, up to the writer's position at the reader's end; or an error that says what is
 * gone. It never just ends, and never hangs.
 *
 * An entry's payload is a function of its sequence (payloadOf), so the judge needs nothing of the journal.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  Consumers,
  Journal,
  PersistenceManager,
  repair,
  type JournalEntry,
} from '../../lib/index.js'
import { Random } from '../../lib/order-flow/random.js'
import { node } from '../children.js'
import { removeLive } from '../removing.js'

const cli = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))

/** The last two are separate processes. */
export const readerKinds = ['iterate', 'follow', 'bookAt', 'consume', 'dump', 'book'] as const
export type ReaderKind = (typeof readerKinds)[number]

export interface Outcome {
  kind: ReaderKind
  /** Complete, failed with this code, or ended on request. */
  end: 'complete' | 'stopped' | { code: string }
  entries: number
  /** Why it is wrong; '' if it is right. */
  wrong: string
}

const toldCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_OUT_OF_REACH',
  'ERR_PINNACLE_DIRECTORY_LOST',
  'ERR_PINNACLE_CONSUMER_DIVERGED',
])

/** Longer than anything but a hang, on a busy machine. */
const hangMs = 60_000

function payloadOf(sequence: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes)
  new DataView(payload.buffer).setFloat64(0, sequence)
  return payload
}

/** The entries that a reader received, judged on arrival. */
class Given {
  count = 0
  last: number
  wrong = ''

  constructor(readonly from: number) {
    this.last = from - 1
  }

  take(entry: JournalEntry): void {
    // A hole names the entries that a repair could not keep: it covers all of them.
    const first = entry.type === 'hole' ? entry.firstSequence : entry.sequence
    if (this.count === 0 && this.from === 0) this.last = first - 1
    if (first !== this.last + 1 && this.wrong === '') {
      this.wrong = `entry ${String(first)} came after ${String(this.last)}`
    }
    if (entry.type === 'user') {
      const { buffer, byteOffset } = entry.payload
      const said = new DataView(buffer, byteOffset).getFloat64(0)
      if (said !== entry.sequence && this.wrong === '') {
        this.wrong = `entry ${String(entry.sequence)} holds the payload of ${String(said)}`
      }
    }
    this.last = entry.sequence
    this.count++
  }
}

/** The fast writer: appends in bursts, between other operations on the journal. */
class Writer {
  manager: PersistenceManager | undefined
  lost = false
  /** A repair met damage: a reader may have met it earlier, and what the repair could not keep is gone. */
  damaged = false
  /** The end of the journal after the repair that kept least. */
  repairedEnd = Infinity
  #orders = 0

  constructor(
    readonly directory: string,
    readonly random: Random,
  ) {}

  async open(): Promise<void> {
    this.manager = await PersistenceManager.open({
      dataDirectory: this.directory,
      segmentSize: '64KiB',
      snapshotIntervalMin: 0,
      keepSnapshots: 1,
      compactionThreshold: 0,
      consumerLimit: this.random.below(2) === 0 ? '64KiB' : '1GiB',
      durability: 'appended',
      expectedOrders: 16,
      instruments: [{ name: 'A', priceScale: 0, quantityScale: 0 }],
    })
  }

  get appended(): number {
    return this.manager?.appendedFrontier ?? 0
  }

  /** Time of the last order; they are one microsecond apart, in order. */
  get lastTime(): number {
    return this.#orders * 1000
  }

  burst(): void {
    const manager = this.manager as PersistenceManager
    const book = manager.book('A')
    for (let left = 1 + this.random.below(120); left > 0; left--) {
      if (this.random.below(4) === 0) {
        const order = ++this.#orders
        book.add(order, 0, 100 + (order % 7), 1, this.lastTime)
      } else manager.append(1, payloadOf(manager.appendedFrontier + 1, 8 + this.random.below(600)))
    }
  }

  /** Changes one byte of an entry in any segment. */
  #damage(): void {
    const journal = join(this.directory, 'journal')
    const names = readdirSync(journal).filter((name) => name.endsWith('.segment'))
    const name = names[this.random.below(names.length)] ?? ''
    const file = openSync(join(journal, name), 'r+')
    const offset = 4096 + this.random.below(40_000)
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, offset)
    writeSync(file, Buffer.of((byte[0] ?? 0) ^ 0x55), 0, 1, offset)
    closeSync(file)
    this.damaged = true
  }

  /** One event beside a reader; the last kinds end this writer's directory. */
  async happen(): Promise<void> {
    const manager = this.manager as PersistenceManager
    const choice = this.random.below(100)
    if (choice < 60) {
      this.burst()
    } else if (choice < 92) {
      await manager.snapshot()
      await manager.compact({ force: true })
    } else if (choice < 96) {
      await manager.close()
      this.manager = undefined
      if (this.random.below(2) === 0) this.#damage()
      await repair(this.directory, { policy: 'salvage' })
      await this.open()
      this.repairedEnd = Math.min(this.repairedEnd, this.appended)
    } else {
      this.lost = true
      await manager.close()
      this.manager = undefined
      if (choice < 98) {
        renameSync(this.directory, `${this.directory}-moved`)
      } else {
        removeLive(this.directory)
        await this.open()
        this.burst()
        this.burst()
      }
    }
  }
}

const codeOf = (error: unknown): string =>
  String((error as { code?: unknown } | null | undefined)?.code ?? error)

export async function interleave(
  directory: string,
  seed: number,
  kind: ReaderKind,
): Promise<Outcome> {
  const random = new Random(seed)
  mkdirSync(directory)
  const writer = new Writer(join(directory, 'data'), random)
  await writer.open()
  for (let bursts = 1 + random.below(6); bursts > 0; bursts--) writer.burst()
  if (random.below(2) === 0) {
    await writer.manager?.snapshot()
    writer.burst()
  }
  const from = random.below(3) === 0 ? 0 : 1
  const given = new Given(from)
  const stop = new AbortController()
  let end: Outcome['end'] | undefined
  let least = 0
  const pause = async (): Promise<void> => {
    if (random.below(40) === 0) await sleep(random.below(3))
  }
  const reading = readers[kind](writer, { given, from, stop: stop.signal, pause }).then(
    (ended) => {
      end = ended
    },
    (error: unknown) => {
      end = { code: codeOf(error) }
    },
  )
  for (let left = 3 + random.below(12); left > 0 && end === undefined && !writer.lost; left--) {
    await writer.happen()
    await sleep(random.below(3))
  }
  // All entries that exist now must come, unless the directory is lost.
  least = writer.lost ? 0 : writer.appended
  if (kind === 'follow' || kind === 'consume') {
    const deadline = performance.now() + hangMs
    // If a directory was recreated before the reader looked, the reader follows the new one.
    const hasAll = (): boolean =>
      writer.lost
        ? writer.manager !== undefined && given.last >= writer.appended
        : given.last >= least
    while (end === undefined && !hasAll()) {
      if (performance.now() > deadline) break
      await sleep(2)
    }
    const reached = hasAll()
    stop.abort()
    if (end === undefined && !reached) {
      given.wrong ||= writer.lost
        ? 'it waits for ever although its directory is gone'
        : `it hangs at ${String(given.last)} of ${String(least)}`
    }
  }
  const hung = await Promise.race([reading.then(() => false), sleep(hangMs, true, { ref: false })])
  if (hung) given.wrong ||= 'it hangs'
  const ended = end ?? 'stopped'
  const wasGone = writer.lost && (ended as { code?: string }).code === 'ERR_PINNACLE_NOT_FOUND'
  const wasDamaged = writer.damaged && (ended as { code?: string }).code === 'ERR_PINNACLE_CORRUPT'
  if (typeof ended === 'object' && !toldCodes.has(ended.code) && !wasGone && !wasDamaged) {
    given.wrong ||= `it failed with ${ended.code}`
  }
  await writer.manager?.close()
  removeLive(directory)
  return { kind, end: ended, entries: given.count, wrong: given.wrong }
}

interface Reading {
  given: Given
  from: number
  stop: AbortSignal
  pause: () => Promise<void>
}

type Reader = (writer: Writer, reading: Reading) => Promise<Outcome['end']>

const wasStopped = (error: unknown): boolean => (error as Error).name === 'AbortError'

const readers: Readonly<Record<ReaderKind, Reader>> = {
  async iterate(writer, { given, from, pause }) {
    const start = writer.appended
    for await (const entry of Journal.read(writer.directory, from === 0 ? {} : { from })) {
      given.take(entry)
      await pause()
    }
    if (given.last < Math.min(start, writer.repairedEnd) && !writer.lost) {
      given.wrong ||= `it ended at ${String(given.last)} of ${String(start)} without an error`
    }
    return 'complete'
  },

  async follow(writer, { given, from, stop, pause }) {
    const options = { follow: true, signal: stop, ...(from === 0 ? {} : { from }) }
    try {
      for await (const entry of Journal.read(writer.directory, options)) {
        given.take(entry)
        await pause()
      }
    } catch (error) {
      if (!wasStopped(error)) throw error
    }
    return 'stopped'
  },

  async consume(writer, { given, stop, pause }) {
    await using consumer = await Consumers.of(writer.directory).open('slow', { from: 1 })
    try {
      for (;;) {
        // It comes and goes: each time it continues after what it committed.
        let left = 200
        for await (const entry of consumer.entries({ follow: true, signal: stop })) {
          given.take(entry)
          await pause()
          if (left-- > 0) continue
          await consumer.commit(entry.sequence)
          break
        }
      }
    } catch (error) {
      if (!wasStopped(error)) throw error
    }
    return 'stopped'
  },

  async dump(writer, { given, from, pause }) {
    const start = writer.appended
    const words = ['dump', writer.directory, '--json', ...(from === 0 ? [] : ['--from', '1'])]
    const child = spawn(...node(cli, ...words), { stdio: ['ignore', 'pipe', 'pipe'] })
    const exited = once(child, 'exit') as Promise<[number | null]>
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    let rest = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const entry = JSON.parse(line) as JournalEntry
        given.take(entry.type === 'hole' ? entry : { ...entry, type: 'clear' })
      }
      await pause()
      await sleep(1)
    }
    const [code] = await exited
    if (code !== 0)
      return { code: /ERR_PINNACLE_\w+/.exec(said)?.[0] ?? `exit ${String(code)}: ${said}` }
    // (Another directory may have replaced it before the process looked.)
    if (given.last < Math.min(start, writer.repairedEnd) && !writer.lost) {
      given.wrong ||= `it exited with 0 at ${String(given.last)} of ${String(start)}`
    }
    return 'complete'
  },

  async book(writer, { given }) {
    // The book of another process, at the time of the last order.
    const { manager } = writer
    if (!manager) return 'stopped'
    const { orders } = manager.book('A').info()
    const words = ['book', 'A', '-d', writer.directory, '--at', `ns:${String(writer.lastTime)}`]
    const child = spawn(...node(cli, ...words, '--json'), { stdio: ['ignore', 'pipe', 'pipe'] })
    const closed = once(child, 'close') as Promise<[number | null]>
    let said = ''
    let drawn = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdout.setEncoding('utf8').on('data', (text: string) => (drawn += text))
    const [code] = await closed
    if (code !== 0)
      return { code: /ERR_PINNACLE_\w+/.exec(said)?.[0] ?? `exit ${String(code)}: ${said}` }
    const found = JSON.parse(drawn) as { orders: number }
    given.count++
    // (A repair may have lost some, and another directory may have replaced this one.)
    if (found.orders !== orders && !writer.damaged && !writer.lost) {
      given.wrong ||= `the book has ${String(found.orders)} orders of ${String(orders)}`
    }
    return 'complete'
  },

  async bookAt(writer, { given }) {
    // The writer's own book: the state at a sequence or a time has all the orders up to it, or is refused.
    const { manager } = writer
    if (!manager) return 'stopped'
    const sequence = writer.appended
    const timestamp = BigInt(writer.lastTime)
    const { orders } = manager.book('A').info()
    for (let round = 0; round < 4; round++) {
      if (manager.closed) return 'stopped'
      const point = round % 2 === 0 ? { sequence } : { timestamp }
      const past = await manager.bookAt('A', point).catch((error: unknown) => {
        if (codeOf(error) === 'ERR_PINNACLE_CLOSED') return undefined
        throw error
      })
      if (past === undefined) return 'stopped'
      given.count++
      const found = past.info().orders
      if (found !== orders) {
        given.wrong ||= `the book at ${String(sequence)} or ${String(timestamp)} ns has ${String(found)} orders of ${String(orders)}`
      }
    }
    return 'complete'
  },
}
