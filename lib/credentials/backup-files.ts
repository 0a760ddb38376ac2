/** Writing a backup and putting one back, each without ever losing something newer. */
import { dirname } from 'node:path'
import { absolutePath } from '../config/absolute.js'
import type { AuditSink } from '../audit/event.js'
import { decodeBackup, identityOf, maxBackupBytes, type Backup } from './backup.js'
import { codeOf, CredentialCode, credentialError } from '../secure/errors.js'
import { realFiles } from '../secure/file-operations.js'
import { SecureFiles } from '../secure/secure-files.js'
import { StoreFiles, type StoreFilesOptions } from './store-files.js'

function wouldOverwrite(message: string): Error {
  return credentialError(CredentialCode.WouldOverwrite, message)
}

/** Under the store's lock. Refuses to replace a file that is not a backup, another store's, or a newer one. */
export async function writeBackup(files: SecureFiles, path: string, bytes: Buffer): Promise<void> {
  const present = await files.read(path, maxBackupBytes)
  if (present) {
    const made = decodeBackup(bytes, path)
    let old: Backup
    try {
      old = decodeBackup(present, path)
    } catch {
      throw wouldOverwrite(
        `${path} exists and is not an intact backup; give another name or move it away`,
      )
    }
    if (old.store !== made.store) {
      throw wouldOverwrite(`${path} is a backup of other credentials; give another name`)
    }
    if (old.generation > made.generation) {
      throw wouldOverwrite(
        `${path} is a newer backup (version ${String(old.generation)}) than what it would be replaced ` +
          `by (version ${String(made.generation)}); give another name`,
      )
    }
  }
  await files.replace(path, bytes)
}

/**
 * Reads and checks a backup; needs no password. ERR_PINNACLE_CREDENTIALS_NOT_FOUND,
 * ERR_PINNACLE_CREDENTIALS_CORRUPT, ERR_PINNACLE_UNSAFE_FILE.
 */
export async function readBackup(path: string): Promise<Backup> {
  const files = new SecureFiles(realFiles)
  const bytes = await files.read(path, maxBackupBytes)
  if (bytes) return decodeBackup(bytes, path)
  throw credentialError(CredentialCode.NotFound, `there is no backup ${path} in ${dirname(path)}`)
}

/** What is restored, and where. */
export interface RestoreOptions extends StoreFilesOptions {
  /** Path of the backup. */
  readonly backupPath: string
  /** The trail; `noAudit` declines it. */
  readonly audit: AuditSink
  /** Replace a newer file, or another store's. */
  readonly force?: boolean
}

/**
 * Puts a backup's file in place. The password is not needed for it, and stays that of the backup.
 * ERR_PINNACLE_WOULD_OVERWRITE: what is there is newer, damaged or of another store.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Backup> {
  const files = new StoreFiles(options)
  const backupPath = absolutePath(options.backupPath)
  const event = { action: 'credentials.restore', target: options.backupPath } as const
  await options.audit.record({ ...event, outcome: 'started' })
  let backup: Backup
  try {
    backup = await readBackup(backupPath)
    await files.locked(async () => {
      await refuseToLose(files, backup, options.force ?? false)
      await files.write(backup.file)
      await files.limiter.setGeneration(backup.store, backup.generation)
    })
  } catch (error) {
    await options.audit.record({ ...event, outcome: 'failed', code: codeOf(error) })
    throw error
  }
  const detail = { generation: backup.generation, forced: options.force ?? false }
  await options.audit.record({ ...event, outcome: 'ok', detail })
  return backup
}

async function refuseToLose(files: StoreFiles, backup: Backup, force: boolean): Promise<void> {
  if (force) return
  const present = await files.files.read(files.path, maxBackupBytes)
  const seen = await files.limiter.highestGeneration(backup.store)
  if (!present) {
    if (seen > backup.generation) throw older(backup, seen)
    return
  }
  let old: { store: string; generation: number }
  try {
    old = identityOf(present, files.path)
  } catch {
    throw wouldOverwrite(`${files.path} is damaged; keep a copy of it, then restore with --force`)
  }
  if (old.store !== backup.store) {
    throw wouldOverwrite(
      `${files.path} holds other credentials than the backup; replace them with --force`,
    )
  }
  const newest = Math.max(old.generation, seen)
  if (newest > backup.generation) throw older(backup, newest)
}

function older(backup: Backup, present: number): Error {
  return wouldOverwrite(
    `the backup holds version ${String(backup.generation)} and version ${String(present)} was in use here; ` +
      'restoring it loses what changed since, do it with --force',
  )
}
