/**
 * Backups of the credentials file. A backup holds the file as it is, still encrypted, with its salts and
 * wrapped keys, so the password alone opens it on any machine; around it stand what is needed to judge
 * it without the password: store, generation and a checksum.
 */
import { createHash } from 'node:crypto'
import { canonicalText, Fields, maxFileBytes, corrupt, parseObject, requireCanonical, type JsonObject } from './canonical.js'
import { decodeEnvelope, versionOf } from './envelope.js'
import { decodeSeed } from './seed-format.js'

export const backupFormat = 'pinnacle-credentials-backup'
/** The file in base64 and what stands around it. */
export const maxBackupBytes = maxFileBytes

export interface Backup {
  readonly created: string
  /** '' for a file of the seed's format, which has none. */
  readonly store: string
  /** 0 for a file of the seed's format. */
  readonly generation: number
  readonly file: Buffer
}

/** Store and generation of a credentials file of either version; throws where it is damaged. */
export function identityOf(file: Uint8Array, what: string): { store: string; generation: number } {
  if (versionOf(file, what) === 1) {
    decodeSeed(file, what)
    return { store: '', generation: 0 }
  }
  const { store, generation } = decodeEnvelope(file, what)
  return { store, generation }
}

function toJson({ created, store, generation, file }: Backup): JsonObject {
  return {
    format: backupFormat,
    version: 1,
    created,
    store,
    generation,
    sha256: createHash('sha256').update(file).digest('hex'),
    file: file.toString('base64'),
  }
}

export function encodeBackup(file: Buffer, created: string, what: string): Buffer {
  return Buffer.from(canonicalText(toJson({ created, ...identityOf(file, what), file })))
}

export function decodeBackup(bytes: Uint8Array, what: string): Backup {
  const known = ['format', 'version', 'created', 'store', 'generation', 'sha256', 'file']
  const fields = new Fields(parseObject(bytes, what), what, known)
  fields.oneOf('format', [backupFormat])
  fields.integer('version', 1, 1)
  const file = fields.base64('file', 1, maxFileBytes)
  const backup: Backup = { created: fields.time('created'), ...identityOf(file, what), file }
  const sha256 = fields.hex('sha256', 32)
  requireCanonical(bytes, { ...toJson(backup), sha256 }, what)
  if (createHash('sha256').update(file).digest('hex') !== sha256) {
    throw corrupt(what, 'its checksum does not match')
  }
  return backup
}
