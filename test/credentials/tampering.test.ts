import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openContent } from '../../lib/credentials/content.js'
import { decodeEnvelope } from '../../lib/credentials/envelope.js'
import type { KeyEntry } from '../../lib/credentials/key-entry.js'
import type { KeyProvider } from '../../lib/credentials/key-provider.js'
import { cipherNames } from '../../lib/secure/primitives.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import { Vault } from '../../lib/credentials/vault.js'
import {
  codeOfRejection,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  rightPassword,
  secretOf,
  temporaryDirectory,
} from './support.js'

t.setTimeout(240_000)

const refusals = new Set([
  'ERR_PINNACLE_CREDENTIALS_CORRUPT',
  'ERR_PINNACLE_CREDENTIALS_PARAMETERS',
  'ERR_PINNACLE_NEWER_VERSION',
  'ERR_PINNACLE_WRONG_PASSWORD',
  'ERR_PINNACLE_CREDENTIALS_NO_KEY',
])

/** A password provider that derives once per set of parameters: its answers are real ones. */
class RememberingProvider implements KeyProvider {
  readonly type = 'password'
  readonly #known = new Map<string, string>()
  derivations = 0

  matches(entry: KeyEntry): boolean {
    return entry.type === 'password'
  }

  wrap(): Promise<KeyEntry> {
    return Promise.reject(new Error('not asked for'))
  }

  async unwrap(entry: KeyEntry, context: { store: string }): Promise<ReturnType<typeof secretOf>> {
    const question = JSON.stringify([entry, context])
    let answer = this.#known.get(question)
    if (answer === undefined) {
      this.derivations++
      using provider = passwordOf(rightPassword)
      try {
        using key = await provider.unwrap(entry, context)
        answer = Buffer.from(key.bytes).toString('latin1')
      } catch (error) {
        answer = `!${(error as { code: string }).code}`
      }
      this.#known.set(question, answer)
    }
    if (answer.startsWith('!')) throw Object.assign(new Error('refused'), { code: answer.slice(1) })
    const key = secretOf('0'.repeat(32))
    key.bytes.set(Buffer.from(answer, 'latin1'))
    return key
  }

  [Symbol.dispose](): void {
    // Nothing is held that the test does not know.
  }
}

async function sampleFile(
  t: Pick<Test, 'teardown'>,
  cipher: (typeof cipherNames)[number],
): Promise<Buffer> {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create({
    dataDirectory: directory,
    provider: passwordOf(),
    audit: new RecordedAudit(),
    cipher,
  })
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value', other: 'x' }) })
  await store.close()
  return readFileSync(join(directory, 'secure_config.json'))
}

/** The result of the whole reading path, including every secret. */
async function judge(bytes: Buffer, provider: KeyProvider): Promise<string> {
  try {
    using content = await openContent(bytes, provider, 'the file', '2026-01-01T00:00:00.000Z')
    if (content instanceof Vault)
      content.envelope.secrets.forEach((_, index) => content.secret(index).release())
    return 'accepted'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Like a forger who can compute a checksum. */
function withRightChecksum(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const at = text.lastIndexOf(',\n  "checksum"')
  if (at < 0) return bytes
  const sum = createHash('sha256')
    .update(`${text.slice(0, at)}\n}\n`, 'latin1')
    .digest('hex')
  return Buffer.from(`${text.slice(0, at)},\n  "checksum": "${sum}"\n}\n`, 'latin1')
}

for (const cipher of cipherNames) {
  t.test(`${cipher}: every flipped bit of every byte is refused`, async (t) => {
    const good = await sampleFile(t, cipher)
    const provider = new RememberingProvider()
    t.equal(await judge(good, provider), 'accepted')
    let accepted = 0
    for (let at = 0; at < good.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(good)
        bad[at] = good[at]! ^ (1 << bit)
        const verdict = await judge(bad, provider)
        if (refusals.has(verdict)) continue
        accepted++
        t.fail(`byte ${String(at)} bit ${String(bit)}: ${verdict}`)
      }
    }
    t.equal(accepted, 0, `${String(good.length * 8)} flips`)
  })

  t.test(
    `${cipher}: a change with a checksum made to fit is refused by the authentication`,
    async (t) => {
      const good = await sampleFile(t, cipher)
      t.ok(withRightChecksum(good).equals(good), 'the forger computes the right checksum')
      const provider = new RememberingProvider()
      const end = good.lastIndexOf(',\n  "checksum"')
      let reached = 0
      for (let at = 0; at < end; at++) {
        const bad = Buffer.from(good)
        bad[at] = good[at]! ^ (1 << (at % 3))
        const verdict = await judge(withRightChecksum(bad), provider)
        if (!refusals.has(verdict)) t.fail(`byte ${String(at)}: ${verdict}`)
        try {
          decodeEnvelope(withRightChecksum(bad), 'the file')
          reached++
        } catch {
          // Its form is refused.
        }
      }
      t.ok(reached > 300, `${String(reached)} forgeries were well-formed`)
      t.ok(provider.derivations > 20, 'those in the key entry were judged by real derivations')
    },
  )
}

t.test('parts of one version do not open in another', async (t) => {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create({
    dataDirectory: directory,
    provider: passwordOf(),
    audit: new RecordedAudit(),
  })
  const path = join(directory, 'secure_config.json')
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ one: 'first', two: 'second' }) })
  const old = decodeEnvelope(readFileSync(path), 'x')
  await store.rotate('a', fieldsOf({ one: 'third', two: 'fourth' }))
  const text = readFileSync(path, 'utf8')
  const present = decodeEnvelope(readFileSync(path), 'x')
  const swapped = (from: string, to: string): string =>
    text.replaceAll(from, '@').replaceAll(to, from).replaceAll('@', to)
  const b64 = (bytes: Buffer): string => bytes.toString('base64')
  const [a, b] = present.secrets
  const forgeries = [
    text
      .replace(b64(a!.sealed), b64(old.secrets[0]!.sealed))
      .replace(b64(a!.nonce), b64(old.secrets[0]!.nonce)),
    swapped(b64(a!.sealed), b64(b!.sealed)),
    text.replace(b64(present.salt), b64(old.salt)),
    text.replace(
      `"generation": ${String(present.generation)}`,
      `"generation": ${String(present.generation + 1)}`,
    ),
    text.replace(/"written": "[^"]+"/, '"written": "2020-01-01T00:00:00.000Z"'),
  ]
  for (const forgery of forgeries) {
    t.not(forgery, text)
    writeFileSync(path, withRightChecksum(Buffer.from(forgery)))
    t.equal(
      await codeOfRejection(store.remove('a')),
      'ERR_PINNACLE_CREDENTIALS_STALE',
      'an open store',
    )
    t.equal(
      await codeOfRejection(
        CredentialStore.open({
          dataDirectory: directory,
          provider: passwordOf(),
          audit: new RecordedAudit(),
        }),
      ),
      'ERR_PINNACLE_CREDENTIALS_CORRUPT',
    )
  }
  await store.close()
})
