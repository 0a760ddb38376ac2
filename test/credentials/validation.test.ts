import { generateKeyPairSync, randomBytes } from 'node:crypto'
import t from 'tap'
import { readSecretTree, releaseTree } from '../../lib/credentials/json-bytes.js'
import { decodeBase64, isEcPrivateKeyPem } from '../../lib/credentials/private-key-check.js'
import { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import { strengthOf } from '../../lib/credentials/strength.js'
import {
  checkExpiry,
  checkFields,
  checkKind,
  checkName,
  fieldsFromJson,
  releaseFields,
} from '../../lib/credentials/validation.js'
import type { CredentialKind } from '../../lib/credentials/vault.js'
import { codeThrown, fieldsOf, secretOf, textOf } from './support.js'

const invalid = 'ERR_PINNACLE_INVALID_CREDENTIAL'

function verdict(kind: CredentialKind, values: Record<string, string>): string {
  const fields = fieldsOf(values)
  try {
    return codeThrown(() => {
      checkFields(kind, fields)
    })
  } finally {
    releaseFields(fields)
  }
}

function pem(curve: string, type: 'sec1' | 'pkcs8'): string {
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({
    format: 'pem',
    type,
  }) as string
}

const cdpName =
  'organizations/0123abcd-0000-4000-8000-000000000001/apiKeys/0123abcd-0000-4000-8000-000000000002'

t.test('names, kinds and dates', (t) => {
  for (const name of ['a', 'Coinbase-1', 'x.y_z', '0'.repeat(64)])
    t.equal(
      codeThrown(() => {
        checkName(name)
      }),
      'returned',
    )
  for (const name of ['', '-a', '.a', 'a b', 'a\n', 'ü', 'a/b', '0'.repeat(65), 5, null])
    t.equal(
      codeThrown(() => {
        checkName(name)
      }),
      invalid,
    )
  t.throws(
    () => {
      checkKind('coinbase-cpd')
    },
    { code: invalid, message: /did you mean "coinbase-cdp"/ },
  )
  t.equal(checkExpiry('2027-03-31'), '2027-03-31T23:59:59.999Z')
  t.equal(checkExpiry('2027-03-31T10:00:00+02:00'), '2027-03-31T08:00:00.000Z')
  for (const date of ['', 'never', '2027-13-01', '31.3.2027', '5'])
    t.equal(
      codeThrown(() => checkExpiry(date)),
      invalid,
      date,
    )
  t.end()
})

t.test('keys of Coinbase: the EC key of a CDP key is checked down to its scalar', (t) => {
  for (const type of ['sec1', 'pkcs8'] as const) {
    const good = pem('prime256v1', type)
    t.equal(verdict('coinbase-cdp', { name: cdpName, privateKey: good }), 'returned', type)
    t.equal(
      verdict('coinbase-cdp', { name: cdpName, privateKey: pem('secp384r1', type) }),
      invalid,
      'another curve',
    )
    t.equal(
      verdict('coinbase-cdp', { name: cdpName, privateKey: good.replace('BEGIN', 'BEGINN') }),
      invalid,
    )
    t.equal(
      verdict('coinbase-cdp', { name: cdpName, privateKey: good.slice(0, -40) }),
      invalid,
      'truncated',
    )
    t.equal(verdict('coinbase-cdp', { name: cdpName, privateKey: `${good}x` }), invalid)
    t.equal(verdict('coinbase-cdp', { name: 'my key', privateKey: good }), invalid)
    t.equal(verdict('coinbase-cdp', { name: cdpName, privateKey: good, more: 'x' }), invalid)
  }
  t.equal(
    verdict('coinbase-cdp', { name: cdpName, privateKey: randomBytes(64).toString('base64') }),
    'returned',
    'Ed25519',
  )
  t.equal(
    verdict('coinbase-cdp', { name: cdpName, privateKey: randomBytes(63).toString('base64') }),
    invalid,
  )
  t.equal(verdict('coinbase-cdp', { name: cdpName }), invalid)
  const asPem = (der: Buffer): Buffer => {
    const lines = der
      .toString('base64')
      .replace(/(.{64})/g, '$1\n')
      .trimEnd()
    return Buffer.from(`-----BEGIN EC PRIVATE KEY-----\n${lines}\n-----END EC PRIVATE KEY-----\n`)
  }
  const scalar = (value: string): Buffer =>
    Buffer.from(`30310201010420${value}a00a06082a8648ce3d030107`, 'hex')
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  const last = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550'
  t.ok(isEcPrivateKeyPem(asPem(scalar(last))), 'n - 1')
  t.notOk(isEcPrivateKeyPem(asPem(scalar(order))), 'n')
  t.notOk(isEcPrivateKeyPem(asPem(scalar('0'.repeat(64)))), 'zero')
  t.ok(isEcPrivateKeyPem(asPem(scalar(`${'0'.repeat(63)}1`))), 'one')
  const der = scalar(last)
  for (let length = 0; length < der.length; length++)
    t.notOk(isEcPrivateKeyPem(asPem(der.subarray(0, length))))
  t.end()
})

t.test('legacy keys and HMAC keys', (t) => {
  const good = {
    key: '0123456789abcdef0123456789abcdef',
    secret: randomBytes(64).toString('base64'),
    passphrase: 'a phrase',
  }
  t.equal(verdict('coinbase-legacy', good), 'returned')
  for (const bad of [
    { key: 'short' },
    { key: `${good.key}!` },
    { secret: 'not base64 at all, but long enough for it....' },
    { passphrase: '' },
    { passphrase: 'a\nb' },
  ]) {
    t.equal(
      verdict('coinbase-legacy', { ...good, ...bad }),
      invalid,
      JSON.stringify(Object.keys(bad)),
    )
  }
  t.equal(
    verdict('coinbase-legacy', { key: good.key, secret: good.secret }),
    invalid,
    'no passphrase',
  )
  t.equal(verdict('hmac', { key: 'x'.repeat(64), secret: 'y'.repeat(64) }), 'returned')
  t.equal(
    verdict('hmac', { key: 'x'.repeat(64), secret: `y y${'y'.repeat(60)}` }),
    invalid,
    'a space',
  )
  t.equal(verdict('generic', {}), invalid)
  t.equal(verdict('generic', { secret: 'x'.repeat(16 * 1024 + 1) }), invalid)
  t.equal(verdict('generic', { secret: 'with\u007fdelete' }), invalid)
  t.equal(verdict('generic', { secret: 'línea\nzwei\t' }), 'returned')
  t.end()
})

t.test('JSON is read as JSON.parse reads it, and refused where it refuses', (t) => {
  const good = [
    '{}',
    '{"a":"b"}',
    ' {\n"a" : "\\u00e9\\ud83d\\ude00\\n\\\\\\"\\/\\b\\f\\r\\t" , "b": "ü" } ',
    '{"a":{"b":"c"},"d":""}',
    '{"":"x"}',
  ]
  for (const text of good) {
    const tree = readSecretTree(Buffer.from(text), 2)
    const plain = (value: unknown): unknown =>
      value instanceof SecretBuffer
        ? textOf(value.bytes)
        : Object.fromEntries([...(value as Map<string, unknown>)].map(([k, v]) => [k, plain(v)]))
    t.same(plain(tree), JSON.parse(text), text)
    releaseTree(tree)
  }
  const bad = [
    '',
    '[]',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1}',
    '{"a":null}',
    '{"a":"b",}',
    '{"a":"b"} x',
    '{"a":"b"',
    '{"a":"b',
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    '{"a":"\\ud800"}',
    '{"a":"\\udc00"}',
    '{"a":"\\ud800\\u0041"}',
    '{"a":"\n"}',
    "{'a':'b'}",
    '{"a":"b","a":"c"}',
    '{"a":{"b":{"c":"d"}}}',
    '{"a":"\\',
  ]
  for (const text of bad)
    t.equal(
      codeThrown(() => readSecretTree(Buffer.from(text), 2)),
      invalid,
      text,
    )
  t.equal(
    codeThrown(() =>
      readSecretTree(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]), 2),
    ),
    invalid,
    'no UTF-8',
  )
  const fields = fieldsFromJson(Buffer.from('{"id":"i","privateKey":"p"}'))
  t.same(Object.keys(fields).sort(), ['name', 'privateKey'])
  releaseFields(fields)
  t.equal(
    codeThrown(() => fieldsFromJson(Buffer.from('{"a":{"b":"c"}}'))),
    invalid,
  )
  t.end()
})

t.test('base64 is decoded as Buffer does, and only in its canonical form', (t) => {
  for (let length = 0; length < 70; length++) {
    const bytes = randomBytes(length)
    using decoded = decodeBase64(Buffer.from(bytes.toString('base64')))
    t.ok(decoded && bytes.equals(decoded.bytes), String(length))
  }
  for (const text of [
    'A',
    'AA',
    'AAA',
    'AB==',
    'AAB=',
    'A===',
    '=AAA',
    'AA=A',
    'AA==AAAA',
    'AA AA',
    '*AAA',
  ]) {
    t.equal(decodeBase64(Buffer.from(text)), undefined, text)
  }
  t.end()
})

t.test('the strength of a password is judged without repeating it', async (t) => {
  using weak = secretOf('password1234')
  using strong = secretOf('seven purple walruses dance 41')
  t.ok((await strengthOf(weak)).score < 3)
  t.notMatch((await strengthOf(weak)).advice, 'password1234')
  t.ok((await strengthOf(strong)).score >= 3)
})
