/** Iteration over a journal's entries, from this process or from another one, with or without following. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PinnacleError, PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { shown } from '../errors/shown.js'
import { absolutePath } from '../config/absolute.js'
import { bounds, rangeText } from '../config/bounds.js'
import { unknownInstrument } from '../book/instrument.js'
import type { NativeBinding, NativeReader } from '../native/binding.js'
import type { NativeWatch } from '../native/live-binding.js'
import { decodeEntries } from '../entry/decode.js'
import { Follow, type OnMove } from './follow.js'
import { journalEntryTypes, type JournalEntry, type JournalEntryType } from '../entry/entry.js'
import { snapshotInstruments } from './snapshot-instruments.js'

/**
 * Which entries an iteration gives. Errors: ERR_PINNACLE_OUT_OF_REACH (compaction removed `from`),
 * ERR_PINNACLE_INSIDE_TRANSACTION (`from` or `to` lies in one), ERR_PINNACLE_CORRUPT,
 * ERR_PINNACLE_DIRECTORY_LOST.
 */
export interface ReadOptions {
  /** First sequence. Default: the first that the journal still holds. */
  from?: number
  /** Last sequence. Default: the end. */
  to?: number
  /** Wait at the end for what is appended later. Default: false. */
  follow?: boolean
  /**
   * While following, look for more at every turn of the event loop, and have a writer of another process copy
   * entries to the files at once: they are seen in tens of microseconds; this thread is never idle, and one of
   * the writer's hardly. Default: false, a thread waits for the writer, and entries are seen within some
   * hundreds of microseconds (milliseconds, if the writer has no window).
   */
  spin?: boolean
  /**
   * How far to read. 'written' (default): what is in the segment files, which survives the writer's process; a
   * power loss may still take the last of it. 'durable': what survives that, too.
   */
  frontier?: 'written' | 'durable'
  /** Ends the iteration with the signal's reason. */
  signal?: AbortSignal
  /** Only entries of these types. */
  types?: readonly JournalEntryType[]
  /** Only entries of this instrument: its name, or its index. */
  instrument?: string | number
}

/** What iteration needs from its caller. */
export interface ReadSource {
  readonly binding: NativeBinding
  readonly dataDirectory: string
  /** Index of an instrument by name, as far as the source knows. */
  indexOf(name: string): number | undefined | Promise<number | undefined>
  /** Names it knows, for likely spellings; undefined if definitions may still turn up in the journal. */
  names(): readonly string[] | undefined
  /** A reader of the source's own; default: one of the journal, from `from` on. */
  openReader?: () => NativeReader
  /** Calls back at the next append of this process; undefined: only polling sees appends. */
  onAppend?: OnMove
  /** How far the journal is durable, if the source knows. */
  durable?: () => number
  /** Waits for a writer of another process. */
  watch?: () => NativeWatch
  /** Whether the writer is closed, so that nothing more will come. */
  ended?: () => boolean
  /** Called once the consumer has taken every entry up to `sequence`, or the filter left it out. */
  onPassed?: (sequence: number) => void
}

// The first chunk is small, so that the first entry does not wait for thousands that follow it.
const firstChunkBytes = 16 * 1024
const chunkBytes = 256 * 1024
export async function* readEntries(
  source: ReadSource,
  options: ReadOptions = {},
): AsyncGenerator<JournalEntry, void, undefined> {
  checkOptions(options)
  const { to = Number.MAX_SAFE_INTEGER, follow = false, spin = false, signal } = options
  const { frontier = 'written' } = options
  const accept = await filterOf(source, options)
  signal?.throwIfAborted()
  // 0: at the oldest entry that the journal still holds. The reader finds it by the segments' heads; making
  // a list of the segments would read all of them.
  const reader =
    source.openReader?.() ?? source.binding.openReader(source.dataDirectory, options.from ?? 0)
  const watch = follow && !source.onAppend ? source.watch?.() : undefined
  const following = new Follow({ spin, signal, onAppend: source.onAppend, watch })
  let durable = frontier === 'durable' ? 0 : Infinity
  try {
    let askedBytes = firstChunkBytes
    while (reader.nextSequence <= to) {
      if (!following.isWorthALook()) {
        await following.wait()
        continue
      }
      // Asked before reading, so that what was appended before the end is read.
      const last = source.ended?.() ?? false
      const chunk = reader.read(askedBytes)
      if (!chunk) {
        if (!follow || last) return
        await following.wait()
        continue
      }
      following.found()
      askedBytes = Math.min(askedBytes * 2, chunkBytes)
      const { entries, passed, cut } = entriesUpTo(chunk, to, accept)
      for (const entry of entries) {
        while (entry.sequence > durable) {
          following.isWorthALook()
          const ended = source.ended?.() ?? false
          durable = durableOf(source, following)
          if (entry.sequence <= durable) break
          if (!follow || ended) return
          await following.wait()
        }
        yield entry
        signal?.throwIfAborted()
      }
      if (passed > 0) source.onPassed?.(passed)
      if (cut) throw insideTransaction(to, ...cut)
      // Reading is synchronous: give the event loop a turn between chunks.
      await nextTurn()
      signal?.throwIfAborted()
    }
  } finally {
    reader.close()
    following.close()
  }
}

interface EntriesUpTo {
  entries: JournalEntry[]
  /** The last entry up to which all were taken, or left out by the filter; 0: none. */
  passed: number
  /** The sequences of a transaction that has entries on both sides of the end; none of it is taken. */
  cut: readonly [first: number, last: number] | undefined
}

/** The entries of a chunk up to a sequence. A chunk holds transactions as a whole. */
function entriesUpTo(chunk: Uint8Array, to: number, accept: Filter): EntriesUpTo {
  const found: EntriesUpTo = { entries: [], passed: 0, cut: undefined }
  let first = 0
  decodeEntries(chunk, (entry) => {
    if (entry.transaction === 'first') first = entry.sequence
    if (entry.sequence <= to) {
      found.passed = entry.sequence
      if (accept(entry)) found.entries.push(entry)
    } else if (entry.transaction === 'last' && first <= to) {
      found.cut = [first, entry.sequence]
    }
  })
  if (!found.cut) return found
  found.entries = found.entries.filter((entry) => entry.sequence < first)
  found.passed = first - 1
  return found
}

function insideTransaction(sequence: number, first: number, last: number): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_INSIDE_TRANSACTION',
    `entry ${String(sequence)} lies inside the transaction of entries ${String(first)} to ${String(last)}, which ` +
      `is read as a whole or not at all; end at ${String(first - 1)} or ${String(last)}`,
    { details: { sequence, first, last } },
  )
}

/** How far the journal is durable. Without a source that says so the directory is closed, and all of it is. */
function durableOf(source: ReadSource, following: Follow): number {
  return source.durable?.() ?? following.durable() ?? publishedDurable(source)
}

function publishedDurable({ binding, dataDirectory }: ReadSource): number {
  try {
    const { state, durable } = binding.readLiveStatus(dataDirectory)
    return state === 'closed' ? Infinity : durable
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_PINNACLE_NOT_FOUND') return Infinity
    throw error
  }
}

type Filter = (entry: JournalEntry) => boolean

async function filterOf(source: ReadSource, options: ReadOptions): Promise<Filter> {
  const types = options.types ? new Set(options.types) : undefined
  const { instrument } = options
  if (instrument === undefined) return (entry) => !types || types.has(entry.type)
  let index = typeof instrument === 'number' ? instrument : await source.indexOf(instrument)
  if (index === undefined) {
    const names = source.names()
    if (names) throw unknownInstrument(String(instrument), names)
  }
  return (entry) => {
    // Without a writer at hand the definition may come along the way.
    if (index === undefined && entry.type === 'instrument' && entry.name === instrument) {
      index = entry.instrument
    }
    return entry.instrument === index && (!types || types.has(entry.type))
  }
}

function checkOptions(options: ReadOptions): void {
  for (const key of ['from', 'to'] as const) {
    const sequence = options[key]
    if (sequence === undefined || (Number.isSafeInteger(sequence) && sequence >= 1)) continue
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `"${key}" must be a sequence, an integer from 1 to 2^53 - 1, not ${shown(sequence)}`,
    )
  }
  for (const type of options.types ?? []) {
    if (journalEntryTypes.includes(type)) continue
    const given: unknown = type
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ENTRY_TYPE',
      `${shown(type)} is not an entry type${typeof given === 'string' ? didYouMean(given, journalEntryTypes) : ''}; ` +
        `there are ${journalEntryTypes.join(', ')}`,
    )
  }
  const { frontier = 'written' } = options
  if (!['written', 'durable'].includes(frontier)) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `frontier must be 'written' or 'durable', not ${shown(frontier)}`,
    )
  }
  const { instrument } = options
  const wellFormed =
    instrument === undefined ||
    typeof instrument === 'string' ||
    (Number.isInteger(instrument) && instrument >= 0 && instrument <= bounds.instruments.to)
  if (!wellFormed) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_INSTRUMENT',
      `an instrument is given by its name or its index of ${rangeText(bounds.instruments)}, not ${shown(instrument)}`,
    )
  }
}

/** The source for a directory that another process may have open. */
export function directorySource(binding: NativeBinding, dataDirectory: string): ReadSource {
  if (typeof dataDirectory !== 'string' || dataDirectory === '') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `the data directory must be a path, not ${shown(dataDirectory)}`,
    )
  }
  const directory = absolutePath(dataDirectory)
  return {
    binding,
    dataDirectory: directory,
    async indexOf(name) {
      const found = await snapshotInstruments(binding, directory)
      return found?.instruments.find((instrument) => instrument.name === name)?.index
    },
    names: () => undefined,
    watch: () => binding.watchJournal(directory),
  }
}
