import { absolutePath } from '../config/absolute.js'
import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { NativeRepairReport } from '../native/binding.js'
import { native } from '../native/load.js'

export type { NativeRepairReport as RepairReport }

/** What repair() keeps, and whether it does it. */
export interface RepairOptions {
  /**
   * What to keep of a damaged journal: 'point-in-time' everything before the first loss that no snapshot
   * covers, 'salvage' every entry that verifies and that the books accept.
   */
  policy: 'point-in-time' | 'salvage'
  /** Say what would be kept and change nothing. Default: false. */
  dryRun?: boolean
}

/**
 * Repairs a damaged data directory that no process has open (ERR_PINNACLE_LOCKED). Holes mark lost entries,
 * and every file that goes out of use is moved, whole, to the directory's quarantine. A torn tail is left to
 * the next open. ERR_PINNACLE_JOURNAL_GAP: no snapshot reaches the journal's beginning; nothing was changed.
 */
export async function repair(
  dataDirectory: string,
  options: RepairOptions,
): Promise<NativeRepairReport> {
  if (typeof dataDirectory !== 'string' || dataDirectory === '') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `the data directory must be a path, not ${shown(dataDirectory)}`,
    )
  }
  const { policy, dryRun = false } = options
  const given: unknown = policy
  if (given !== 'point-in-time' && given !== 'salvage') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `a repair's policy is 'point-in-time' or 'salvage', not ${shown(given)}`,
    )
  }
  return native().repair(absolutePath(dataDirectory), { policy, dryRun })
}
