/**
 * The head of the trail, kept apart from it (audit-head.json in the data directory): the number and hash of
 * the last line, and the key of the next. It shows when lines at the end are missing. Turning it back takes
 * the key of an earlier line: otherwise the key in it would be wrong.
 *
 * audit.key holds the verification key (key 1) until it is moved to a safer place: into the credentials
 * ("pinnacle creds init" does it) or off the machine ("pinnacle audit key").
 */
import { join } from 'node:path'
import {
  canonicalText,
  Fields,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import type { SecureFiles } from '../secure/secure-files.js'
import { SecretBuffer, wipe } from '../secure/secret-buffer.js'
import { auditKeyBytes } from './line.js'

export const headFile = 'audit-head.json'
export const keyFile = 'audit.key'
const headFormat = 'pinnacle-audit-head'
const keyFormat = 'pinnacle-audit-key'
const maxBytes = 8192

export interface Head extends Disposable {
  readonly trail: string
  /** Of the last line; 0: none yet. */
  readonly sequence: number
  /** The last line's sequence in the journal. */
  readonly journalSequence: number
  /** SHA-256 of the last line. */
  readonly hash: string
  /** Of the next line. */
  readonly key: SecretBuffer
}

function withKey(json: JsonObject, key: SecretBuffer): Buffer {
  // The key is in a file of mode 600 anyway: base64 of it passes through a string here.
  const text = Buffer.from(key.bytes).toString('base64')
  return Buffer.from(canonicalText({ ...json, key: text }))
}

export async function writeHead(files: SecureFiles, directory: string, head: Head): Promise<void> {
  const { trail, sequence, journalSequence, hash } = head
  const json = { format: headFormat, version: 1, trail, sequence, journalSequence, hash }
  await files.replace(join(directory, headFile), withKey(json, head.key))
}

export async function readHead(files: SecureFiles, directory: string): Promise<Head | undefined> {
  const path = join(directory, headFile)
  const bytes = await files.read(path, maxBytes)
  if (!bytes) return undefined
  const known = ['format', 'version', 'trail', 'sequence', 'journalSequence', 'hash', 'key']
  const fields = new Fields(parseObject(bytes, path), path, known)
  fields.oneOf('format', [headFormat])
  fields.integer('version', 1, 1)
  const facts = {
    trail: fields.hex('trail', 16),
    sequence: fields.integer('sequence', 0),
    journalSequence: fields.integer('journalSequence', 0),
    hash: fields.hex('hash', 32),
  }
  const key = fields.base64('key', auditKeyBytes)
  const json = { format: headFormat, version: 1, ...facts, key: key.toString('base64') }
  requireCanonical(bytes, json, path)
  wipe(bytes)
  const secret = SecretBuffer.take(key)
  return {
    ...facts,
    key: secret,
    [Symbol.dispose]() {
      secret.release()
    },
  }
}

export interface RootKey extends Disposable {
  readonly trail: string
  readonly key: SecretBuffer
}

export function encodeRootKey(trail: string, key: SecretBuffer): Buffer {
  return withKey({ format: keyFormat, version: 1, trail }, key)
}

/** The verification key from a file of mode 600; undefined if there is none. */
export async function readRootKey(files: SecureFiles, path: string): Promise<RootKey | undefined> {
  const bytes = await files.read(path, maxBytes)
  if (!bytes) return undefined
  const fields = new Fields(parseObject(bytes, path), path, ['format', 'version', 'trail', 'key'])
  fields.oneOf('format', [keyFormat])
  fields.integer('version', 1, 1)
  const trail = fields.hex('trail', 16)
  const key = fields.base64('key', auditKeyBytes)
  wipe(bytes)
  const secret = SecretBuffer.take(key)
  return {
    trail,
    key: secret,
    [Symbol.dispose]() {
      secret.release()
    },
  }
}
