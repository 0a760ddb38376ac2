/** Backups of a data directory, and data directories from backups. docs/backup.md says what they are. */
import { checkPath } from '../config/absolute.js'
import { isPinnacleError, PinnacleRangeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type {
  NativeBackupFacts,
  NativeBackupReport,
  NativeFoundBackup,
  NativeProgress,
  NativeRestoreReport,
  NativeWork,
} from '../native/binding.js'
import { native } from '../native/load.js'
import { callListener } from './call-listener.js'
import type { RecoveryProgress } from './events.js'

export type {
  NativeBackupFacts as BackupFacts,
  NativeBackupReport as BackupReport,
  NativeFoundBackup as FoundBackup,
  NativeRestoreReport as RestoreReport,
}

/** How a backup is made. */
export interface BackupOptions {
  /** Ends the work early; nothing is left of it. The promise rejects with the signal's reason. */
  signal?: AbortSignal
  /** Bytes done and to be done of each phase. */
  onProgress?: (progress: RecoveryProgress) => void
}

/** What is restored, and how. */
export interface RestoreOptions extends BackupOptions {
  /** The backup that restores to this entry; default: the newest. */
  sequence?: number
}

/**
 * Copies a data directory that this process does not have open, beside a writer of another process or
 * after one, to a new backup in `destination`. (If it is open here: `PersistenceManager.backup`.)
 */
export async function backup(
  dataDirectory: string,
  destination: string,
  options: BackupOptions = {},
): Promise<NativeBackupReport> {
  const from = checkPath(dataDirectory, 'the data directory')
  const to = checkPath(destination, 'the destination of a backup')
  return runBackupWork(options, undefined, (progress) => native().backup(from, to, progress))
}

/**
 * Makes a data directory of a backup, or of the newest one of a directory of backups. It must not exist
 * or be empty; it is there whole or not at all.
 */
export async function restore(
  from: string,
  dataDirectory: string,
  options: RestoreOptions = {},
): Promise<NativeRestoreReport> {
  const source = checkPath(from, 'the backup')
  const target = checkPath(dataDirectory, 'the data directory')
  const { sequence } = options
  if (sequence !== undefined && !(Number.isSafeInteger(sequence) && sequence >= 1)) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `a sequence must be an integer from 1 to 2^53 - 1, not ${shown(sequence)}`,
    )
  }
  return runBackupWork(options, undefined, (progress) =>
    native().restore(source, target, sequence ?? 0, progress),
  )
}

/** What a directory of backups holds, in the order in which they were made. Their files are not read. */
export function listBackups(destination: string): NativeFoundBackup[] {
  return native().listBackups(checkPath(destination, 'the directory of backups'))
}

/** Runs native work that the user's signal, `closing` or the end of the process gives up. */
export async function runBackupWork<Report>(
  { signal, onProgress }: BackupOptions,
  closing: AbortSignal | undefined,
  start: (progress: NativeProgress) => NativeWork<Report>,
): Promise<Report> {
  signal?.throwIfAborted()
  const work = start((phase, done, total) => {
    callListener(onProgress, { phase, done, total })
  })
  const giveUp = (): void => {
    work.giveUp()
  }
  signal?.addEventListener('abort', giveUp)
  closing?.addEventListener('abort', giveUp)
  // The process waits for work under way before it ends.
  process.once('exit', giveUp)
  try {
    return await work.done
  } catch (error) {
    if (isPinnacleError(error) && error.code === 'ERR_PINNACLE_ABORTED') signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', giveUp)
    closing?.removeEventListener('abort', giveUp)
    process.off('exit', giveUp)
  }
}
