import { absolutePath } from '../config/absolute.js'
import { BookSet } from '../book/book-set.js'
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type {
  NativeBinding,
  NativeDamagedSnapshot,
  NativeRotationReport,
  NativeSnapshotInfo,
  NativeTakenSnapshot,
} from '../native/binding.js'

/** Facts of a snapshot. */
export interface SnapshotInfo {
  /** Path of the file. */
  path: string
  /** Everything up to this sequence is in it. */
  sequence: number
  /** When it was taken, ns since 1970-01-01 UTC. */
  timestampNs: bigint
  /** Bytes of the file. */
  bytes: number
  /** Live orders in it, of all books. */
  orders: number
  /** Instruments in it. */
  instruments: number
  /** Bytes of the state machine's state. */
  stateBytes: number
  /** Milliseconds that taking it took; 0: it was only listed. */
  durationMs: number
}

export type { NativeDamagedSnapshot as DamagedSnapshot }

/** What taking one gives. */
export interface TakenSnapshot extends SnapshotInfo {
  /** Found while old ones were rotated away; they are left in place. */
  damagedSnapshots: NativeDamagedSnapshot[]
}

/** A snapshot in memory. */
export interface LoadedSnapshot {
  /** Its facts. */
  info: SnapshotInfo
  /** Its books. close() frees them. */
  books: BookSet
  /** What the state machine's snapshot() gave; null if there was none. */
  state: Uint8Array | null
}

/** What a rotation did; newest first. */
export interface RotationReport {
  /** Snapshots that verify and are kept. */
  kept: SnapshotInfo[]
  /** Older ones that were removed. */
  removed: SnapshotInfo[]
  /** Snapshots that do not verify. They count as neither kept nor removed, and stay. */
  damaged: DamagedInRotation[]
}

/** A snapshot that a rotation found damaged. */
export interface DamagedInRotation {
  /** Its facts, as far as they can be read. */
  snapshot: SnapshotInfo
  /** What is wrong with it. */
  reason: string
}

export function snapshotInfoOf(info: NativeSnapshotInfo): SnapshotInfo {
  const { timestamp, ...rest } = info
  return { ...rest, timestampNs: timestamp }
}

export function takenSnapshotOf(taken: NativeTakenSnapshot): TakenSnapshot {
  return { ...snapshotInfoOf(taken), damagedSnapshots: taken.damagedSnapshots }
}

/** What the directory's writer does for the manager. */
export interface SnapshotActions {
  take: () => Promise<TakenSnapshot>
  rotate: (keep: number) => Promise<NativeRotationReport>
}

/** The snapshots of one data directory. */
export class SnapshotManager {
  readonly #binding: NativeBinding
  readonly #dataDirectory: string
  readonly #keep: number
  readonly #actions: SnapshotActions

  /** @internal Made by PersistenceManager. */
  constructor(
    binding: NativeBinding,
    dataDirectory: string,
    keep: number,
    actions: SnapshotActions,
  ) {
    this.#binding = binding
    this.#dataDirectory = dataDirectory
    this.#keep = keep
    this.#actions = actions
  }

  /** All snapshots, newest first. Their headers are read, their contents are not verified. */
  list(): SnapshotInfo[] {
    return this.#binding
      .listSnapshots(this.#dataDirectory)
      .map(snapshotInfoOf)
      .sort((left, right) => right.sequence - left.sequence)
  }

  /** Takes one at the present sequence, without stopping the writer. */
  take(): Promise<TakenSnapshot> {
    return this.#actions.take()
  }

  /** Reads every byte; rejects with ERR_PINNACLE_SNAPSHOT_CORRUPT if a checksum does not match. */
  async verify(path: string): Promise<SnapshotInfo> {
    return snapshotInfoOf(await this.#binding.verifySnapshot(checkPath(path)))
  }

  /** Reads a snapshot into memory; the live books are not touched. */
  async load(path: string): Promise<LoadedSnapshot> {
    const { info, books, state } = await this.#binding.loadSnapshot(checkPath(path))
    return { info: snapshotInfoOf(info), books: new BookSet(books), state }
  }

  /**
   * Removes the snapshots older than the newest `keep` that verify; default: keepSnapshots. Taking one
   * rotates by itself: this is for a directory whose keepSnapshots was lowered. Reads every byte of all.
   */
  async rotate(keep: number = this.#keep): Promise<RotationReport> {
    if (!Number.isInteger(keep) || keep < 1) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `keep must be an integer of at least 1, not ${shown(keep)}`,
      )
    }
    const { kept, removed, damaged } = await this.#actions.rotate(keep)
    return {
      kept: kept.map(snapshotInfoOf),
      removed: removed.map(snapshotInfoOf),
      damaged: damaged.map(({ snapshot, reason }) => ({
        snapshot: snapshotInfoOf(snapshot),
        reason,
      })),
    }
  }
}

function checkPath(path: string): string {
  if (typeof path === 'string' && path !== '') return absolutePath(path)
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `a snapshot is named by its path, not ${shown(path)}`,
  )
}
