/**
 * Backups of the credentials file. A backup holds the file as it is, still encrypted, with its salts and
 * wrapped keys, so the password alone opens it on any machine, and what is needed to judge it without the
 * password: store, generation and a checksum.
 */
import { createHash } from 'node:crypto'
import {
  canonicalText,
  Fields,
  maxFileBytes,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import { decodeEnvelope, versionOf } from './envelope.js'
import { decodeSeed } from './seed-format.js'

const backupFormat = 'pinnacle-credentials-backup'
/** The file in base64 and the other fields. */
export const maxBackupBytes = maxFileBytes

/** A backup of a credentials file, still encrypted. */
export interface Backup {
  /** When it was made: ISO 8601, UTC. */
  readonly created: string
  /** '' for a file of the seed's format, which has none. */
  readonly store: string
  /** 0 for a file of the seed's format. */
  readonly generation: number
  /** The credentials file, as it was. */
  readonly file: Buffer
}

/** Store and generation of a credentials file of either version; throws if it is damaged. */
export function identityOf(file: Uint8Array, what: string): { store: string; generation: number } {
  if (versionOf(file, what) === 1) {
    decodeSeed(file, what)
    return { store: '', generation: 0 }
  }
  const { store, generation } = decodeEnvelope(file, what)
  return { store, generation }
}

function toJson({ created, store, generation, file }: Backup): JsonObject {
  const body = {
    format: backupFormat,
    version: 1,
    created,
    store,
    generation,
    file: file.toString('base64'),
  }
  const checksum = createHash('sha256').update(canonicalText(body)).digest('hex')
  return { ...body, checksum }
}

export function encodeBackup(file: Buffer, created: string, what: string): Buffer {
  return Buffer.from(canonicalText(toJson({ created, ...identityOf(file, what), file })))
}

export function decodeBackup(bytes: Uint8Array, what: string): Backup {
  const known = ['format', 'version', 'created', 'store', 'generation', 'file', 'checksum']
  const fields = new Fields(parseObject(bytes, what), what, known)
  fields.oneOf('format', [backupFormat])
  fields.integer('version', 1, 1)
  const file = fields.base64('file', 1, maxFileBytes)
  const backup: Backup = { created: fields.time('created'), ...identityOf(file, what), file }
  // The checksum covers every byte before it, and is computed again here.
  fields.hex('checksum', 32)
  requireCanonical(bytes, toJson(backup), what)
  return backup
}
