/** Shared by the tests of credentials and audit. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AuditEvent, AuditSink } from '../../lib/audit/event.js'
import type { Clocks } from '../../lib/secure/clocks.js'
import type { KdfParameters } from '../../lib/credentials/kdf.js'
import { PasswordProvider } from '../../lib/credentials/password-provider.js'
import { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import type { SecretFields } from '../../lib/credentials/validation.js'

/** The cheapest accepted parameters. */
export const cheapKdf: KdfParameters = { algorithm: 'pbkdf2-hmac-sha256', iterations: 100_000 }
export const rightPassword = 'correct horse battery staple 9'

export function secretOf(text: string): SecretBuffer {
  return SecretBuffer.take(Buffer.from(text))
}

export function passwordOf(text = rightPassword, kdf: KdfParameters = cheapKdf): PasswordProvider {
  return new PasswordProvider(secretOf(text), kdf)
}

export function fieldsOf(values: Record<string, string>): SecretFields {
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, secretOf(text)]))
}

/** A directory of mode 700, removed with the test. */
export function temporaryDirectory(t: Pick<Test, 'teardown'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'pinnacle-credentials-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** A sink that remembers. */
export class RecordedAudit implements AuditSink {
  readonly events: AuditEvent[] = []

  record(event: AuditEvent): Promise<void> {
    this.events.push(event)
    return Promise.resolve()
  }

  get last(): string {
    const event = this.events.at(-1)
    return event ? `${event.action} ${event.outcome} ${event.code ?? ''}`.trim() : ''
  }
}

/** Clocks that move only on command. */
export class TestClocks implements Clocks {
  wall = Date.UTC(2026, 10, 23, 12)
  boot = 1_000_000
  bootId = 'boot-1'

  wallMs(): number {
    return this.wall
  }

  bootMs(): number {
    return this.boot
  }

  advance(ms: number): void {
    this.wall += ms
    this.boot += ms
  }
}

/** The rejection code of a promise; fails the test if it resolves. */
export async function codeOfRejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'resolved'
}

export function codeThrown(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'returned'
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
