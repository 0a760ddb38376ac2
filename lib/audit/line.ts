/**
 * One line of the audit trail: JSON with its fields in a fixed order, the hash of the line before it, and
 * a code that authenticates it.
 *
 * Keys evolve: line n is authenticated with key n, and key n + 1 is computed from it by a one-way function;
 * the one before is wiped. So an intruder on the machine finds only the next key and can't rewrite an
 * existing line. A verifier starts from key 1, which is kept elsewhere (docs/security.md).
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { Fields, parseObject, type JsonObject } from '../secure/canonical.js'
import { equalBytes, hmac } from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import {
  auditActions,
  auditOutcomes,
  type AuditAction,
  type AuditDetail,
  type AuditEvent,
  type AuditOutcome,
} from './event.js'

export interface AuditActor {
  readonly uid: number // -1 if the system has none
  readonly pid: number
  readonly host: string
}

export interface AuditLine {
  readonly trail: string
  readonly sequence: number
  readonly time: string
  readonly actor: AuditActor
  readonly action: AuditAction
  readonly target: string
  readonly outcome: AuditOutcome
  readonly code: string
  readonly detail: AuditDetail
  /** SHA-256 of the line before, hex; zeros for the first. */
  readonly previous: string
  /** HMAC-SHA-256 of everything above, hex. */
  readonly mac: string
}

export const auditKeyBytes = 32
export const firstPrevious = '0'.repeat(64)
const maxLineBytes = 16 * 1024
const maxTextLength = 512

function thisActor(): AuditActor {
  return { uid: process.getuid?.() ?? -1, pid: process.pid, host: hostname() }
}

/** Control characters out, length bounded: a line must not be able to forge another on a terminal. */
function plainText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\uffef]/g, '?').slice(0, maxTextLength)
}

function plainDetail(detail: AuditDetail): AuditDetail {
  return Object.fromEntries(
    Object.entries(detail)
      .slice(0, 16)
      .map(([name, value]) => [
        plainText(name),
        typeof value === 'string'
          ? plainText(value)
          : typeof value === 'number' && !Number.isFinite(value)
            ? null
            : value,
      ]),
  )
}

function toJson(line: Omit<AuditLine, 'mac'>): JsonObject {
  const { trail, sequence, time, actor, action, target, outcome, code, detail, previous } = line
  const { uid, pid, host } = actor
  return {
    v: 1,
    trail,
    sequence,
    time,
    actor: { uid, pid, host },
    action,
    target,
    outcome,
    code,
    detail,
    previous,
  }
}

function macOf(key: SecretBuffer, line: Omit<AuditLine, 'mac'>): Buffer {
  return hmac(key, Buffer.from(`pinnacle-audit line ${JSON.stringify(toJson(line))}`))
}

/** The key of the line after the one that `key` authenticates. The caller releases both. */
export function nextKey(key: SecretBuffer): SecretBuffer {
  return SecretBuffer.take(hmac(key, Buffer.from('pinnacle-audit next key')))
}

export interface LinePosition {
  readonly trail: string
  readonly sequence: number
  readonly previous: string
}

export function encodeLine(
  event: AuditEvent,
  position: LinePosition,
  time: string,
  key: SecretBuffer,
): Buffer {
  const line = {
    ...position,
    time,
    actor: { ...thisActor(), host: plainText(hostname()) },
    action: event.action,
    target: plainText(event.target),
    outcome: event.outcome,
    code: plainText(event.code ?? ''),
    detail: plainDetail(event.detail ?? {}),
  }
  return Buffer.from(JSON.stringify({ ...toJson(line), mac: macOf(key, line).toString('hex') }))
}

export function hashOf(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex')
}

/** Throws if the bytes are not a line as the trail writes it. */
export function decodeLine(bytes: Uint8Array): AuditLine {
  const what = 'an audit line'
  const fields = new Fields(parseObject(bytes.subarray(0, maxLineBytes + 1), what), what, [
    'v',
    'trail',
    'sequence',
    'time',
    'actor',
    'action',
    'target',
    'outcome',
    'code',
    'detail',
    'previous',
    'mac',
  ])
  fields.integer('v', 1, 1)
  const actor = new Fields(fields.raw('actor'), what, ['uid', 'pid', 'host'])
  const anyText = /^[^\p{Cc}]{0,512}$/u
  const line: AuditLine = {
    trail: fields.hex('trail', 16),
    sequence: fields.integer('sequence', 1),
    time: fields.time('time'),
    actor: {
      uid: actor.integer('uid', -1),
      pid: actor.integer('pid', 0),
      host: actor.string('host', anyText),
    },
    action: fields.oneOf('action', auditActions),
    target: fields.string('target', anyText),
    outcome: fields.oneOf('outcome', auditOutcomes),
    code: fields.string('code', anyText),
    detail: detailOf(fields.raw('detail')),
    previous: fields.hex('previous', 32),
    mac: fields.hex('mac', 32),
  }
  if (!Buffer.from(JSON.stringify({ ...toJson(line), mac: line.mac })).equals(bytes)) {
    throw new RangeError('the line is not in the form in which it was written')
  }
  return line
}

function detailOf(value: unknown): AuditDetail {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RangeError('the detail of the line is malformed')
  }
  for (const item of Object.values(value)) {
    if (item !== null && !['string', 'number', 'boolean'].includes(typeof item)) {
      throw new RangeError('the detail of the line is malformed')
    }
  }
  return value as AuditDetail
}

/** Whether `key` is the one that this very line was authenticated with. */
export function isAuthentic(line: AuditLine, key: SecretBuffer): boolean {
  return equalBytes(macOf(key, line), Buffer.from(line.mac, 'hex'))
}
