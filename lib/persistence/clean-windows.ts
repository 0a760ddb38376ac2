import { checkPath } from '../config/absolute.js'
import { native } from '../native/load.js'
import type { NativeFoundWindow } from '../native/windows.js'

export type { NativeFoundWindow as FoundWindow }

/** What cleanWindows() removes. */
export interface CleanWindowsOptions {
  /** The directory to search. Default: the system's shared memory, as windowDirectory's. */
  windowDirectory?: string
  /** Remove those as well that may hold the only copy of entries. Default: false. */
  force?: boolean
  /** Say what there is, and remove nothing. Default: false. */
  dryRun?: boolean
}

/**
 * Looks at the windows of this user, and removes those that nothing needs: their data directory exists and no longer
 * names them, or they are of an earlier boot. One that a writer has, or that the next open of its directory takes, is
 * never removed.
 */
export async function cleanWindows(
  options: CleanWindowsOptions = {},
): Promise<NativeFoundWindow[]> {
  const { windowDirectory, force = false, dryRun = false } = options
  const directory =
    windowDirectory === undefined ? '' : checkPath(windowDirectory, 'the directory of windows')
  return native().cleanWindows(directory, { force, dryRun })
}
