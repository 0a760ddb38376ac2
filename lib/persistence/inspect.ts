import { absolutePath } from '../config/absolute.js'
import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { NativeInspectReport } from '../native/binding.js'
import { native } from '../native/load.js'
import { snapshotInfoOf, type SnapshotInfo } from '../snapshot/snapshot-manager.js'
import { callListener } from './call-listener.js'
import type { RecoveryProgress } from './events.js'

/** What inspect() found. */
export interface InspectReport extends Omit<NativeInspectReport, 'snapshots'> {
  /** The snapshots. */
  snapshots: InspectedSnapshot[]
}

/** A snapshot that was read as a whole. */
export interface InspectedSnapshot extends SnapshotInfo {
  /** Whether it verifies. */
  valid: boolean
  /** What is wrong with it; '': nothing. */
  detail: string
}

/** How inspect() reports. */
export interface InspectOptions {
  /** Called with the bytes that are done and to be done. */
  onProgress?: (progress: RecoveryProgress) => void
}

/** Reads and verifies every byte of a data directory, open or not, and changes nothing. */
export async function inspect(
  dataDirectory: string,
  options: InspectOptions = {},
): Promise<InspectReport> {
  if (typeof dataDirectory !== 'string' || dataDirectory === '') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `the data directory must be a path, not ${shown(dataDirectory)}`,
    )
  }
  const report = await native().inspect(absolutePath(dataDirectory), (phase, done, total) => {
    callListener(options.onProgress, { phase, done, total })
  })
  return {
    ...report,
    snapshots: report.snapshots.map((snapshot) => ({
      ...snapshotInfoOf(snapshot),
      valid: snapshot.valid,
      detail: snapshot.detail,
    })),
  }
}
