import { createPrivateKey, createPublicKey, diffieHellman, pbkdf2Sync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ml_kem768 as mlKem } from '@noble/post-quantum/ml-kem.js'
import { argon2id } from '@noble/hashes/argon2.js'
import t from 'tap'
import { kdfDefaults, deriveKey } from '../../lib/credentials/kdf.js'
import { secrets } from '../../lib/secure/native.js'
import { secretOf, textOf } from './support.js'

/** The vectors' directory, or undefined. */
function vectorsDirectory(): string | undefined {
  const given = process.env['PINNACLE_TEST_DATA']
  let root = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root)
  const data = given ?? join(root, '..', 'shared', 'data')
  const directory = join(data, 'crypto', 'wycheproof')
  return existsSync(directory) ? directory : undefined
}

const directory = vectorsDirectory()
const skip =
  directory === undefined ? 'the published vectors are not here; set PINNACLE_TEST_DATA' : false

type Case = Record<string, string | number | undefined> & {
  result: 'valid' | 'invalid' | 'acceptable'
  tcId: number
  flags?: unknown
}
interface Group {
  readonly tests: Case[]
  readonly [field: string]: unknown
}

function groups(name: string): Group[] {
  const parsed = JSON.parse(readFileSync(join(directory!, name), 'utf8')) as { testGroups: Group[] }
  return parsed.testGroups
}

const hex = (value: string | number | undefined): Buffer => Buffer.from(String(value ?? ''), 'hex')

/** Runs `check` on each case; it returns whether the implementation accepts it (with the right output). */
async function runAll(
  t: {
    equal: (found: unknown, wanted: unknown, message: string) => boolean
    fail: (message: string) => unknown
  },
  name: string,
  count: number,
  check: (test: Case, group: Group) => boolean | undefined | Promise<boolean | undefined>,
): Promise<void> {
  let run = 0
  for (const group of groups(name)) {
    for (const test of group.tests) {
      const accepted = await check(test, group)
      if (accepted === undefined) continue
      run++
      if (test.result !== 'acceptable' && accepted !== (test.result === 'valid')) {
        t.fail(
          `${name} case ${String(test.tcId)}: ${test.result}, and it was ${accepted ? 'accepted' : 'refused'}`,
        )
      }
    }
  }
  t.equal(run, count, `cases run of ${name}`)
}

t.test('AES-GCM', { skip }, async (t) => {
  await runAll(t, 'aes_gcm_test.json', 313, (test) => {
    // OpenSSL accepts nonces up to 1024 bits; three cases have longer ones. The credentials use 96.
    if (hex(test.iv).length > 128) return undefined
    const [key, iv, aad, msg, ct, tag] = [
      test.key,
      test.iv,
      test.aad,
      test.msg,
      test.ct,
      test.tag,
    ].map((value) => hex(value))
    const sealed = Buffer.concat([ct!, tag!])
    const opened = Buffer.alloc(ct!.length)
    const accepted =
      tag!.length === 16 &&
      secrets().gcmOpen(key!, iv!, aad!, sealed, opened) &&
      opened.equals(msg!)
    if (accepted) {
      const again = Buffer.alloc(sealed.length)
      if (!secrets().gcmSeal(key!, iv!, aad!, msg!, again) || !again.equals(sealed)) return false
    }
    if (!accepted && opened.some((byte) => byte !== 0))
      throw new Error('plaintext of a refused message')
    return accepted
  })
})

t.test('AES-CBC with PKCS #7', { skip }, async (t) => {
  await runAll(t, 'aes_cbc_pkcs5_test.json', 216, (test) => {
    const [key, iv, msg, ct] = [test.key, test.iv, test.msg, test.ct].map((value) => hex(value))
    const out = Buffer.alloc(ct!.length)
    const length = secrets().cbcDecrypt(key!, iv!, ct!, out)
    const accepted = length >= 0 && out.subarray(0, length).equals(msg!)
    if (accepted) {
      const again = Buffer.alloc((Math.floor(msg!.length / 16) + 1) * 16)
      if (!secrets().cbcEncrypt(key!, iv!, msg!, again) || !again.equals(ct!)) return false
    }
    return accepted
  })
})

t.test('HMAC-SHA-256', { skip }, async (t) => {
  await runAll(t, 'hmac_sha256_test.json', 174, (test) => {
    const mac = Buffer.alloc(32)
    const tag = hex(test.tag)
    return (
      secrets().hmacSha256(hex(test.key), hex(test.msg), mac) &&
      secrets().equal(mac.subarray(0, tag.length), tag)
    )
  })
})

t.test('HKDF-SHA-256', { skip }, async (t) => {
  await runAll(t, 'hkdf_sha256_test.json', 86, (test) => {
    const size = Number(test.size)
    const out = Buffer.alloc(size)
    return (
      secrets().hkdfSha256(hex(test.ikm), hex(test.salt), hex(test.info), out) &&
      out.equals(hex(test.okm))
    )
  })
})

t.test('PBKDF2-HMAC-SHA-256', { skip }, async (t) => {
  await runAll(t, 'pbkdf2_hmacsha256_test.json', 60, async (test) => {
    const out = Buffer.alloc(Number(test.dkLen))
    const done = await secrets().pbkdf2(
      hex(test.password),
      hex(test.salt),
      Number(test.iterationCount),
      out,
    )
    return done && out.equals(hex(test.dk))
  })
})

t.test('ML-KEM-768: key generation', { skip }, async (t) => {
  await runAll(t, 'mlkem_768_keygen_seed_test.json', 100, (test) => {
    const { publicKey, secretKey } = mlKem.keygen(hex(test.seed))
    return (
      Buffer.from(publicKey).equals(hex(test.ek)) && Buffer.from(secretKey).equals(hex(test.dk))
    )
  })
})

t.test(
  'ML-KEM-768: decapsulation, implicit rejection and malformed ciphertexts',
  { skip },
  async (t) => {
    await runAll(t, 'mlkem_768_test.json', 193, (test) => {
      try {
        const { publicKey, secretKey } = mlKem.keygen(hex(test.seed))
        if (test.ek !== undefined && !Buffer.from(publicKey).equals(hex(test.ek))) return false
        return Buffer.from(mlKem.decapsulate(hex(test.c), secretKey)).equals(hex(test.K))
      } catch {
        return false
      }
    })
  },
)

t.test('ML-KEM-768: encapsulation refuses keys out of range', { skip }, async (t) => {
  await runAll(t, 'mlkem_768_encaps_test.json', 265, (test) => {
    try {
      const { cipherText, sharedSecret } = mlKem.encapsulate(hex(test.ek), hex(test.m))
      return (
        Buffer.from(cipherText).equals(hex(test.c)) && Buffer.from(sharedSecret).equals(hex(test.K))
      )
    } catch {
      return false
    }
  })
})

t.test('argon2id is that of RFC 9106', (t) => {
  const filled = (byte: number, length: number): Buffer => Buffer.alloc(length, byte)
  const tag = argon2id(filled(1, 32), filled(2, 16), {
    m: 32,
    t: 3,
    p: 4,
    key: filled(3, 8),
    personalization: filled(4, 12),
    dkLen: 32,
  })
  t.equal(
    Buffer.from(tag).toString('hex'),
    '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659',
  )
  t.end()
})

t.test('scrypt is that of RFC 7914', async (t) => {
  const out = Buffer.alloc(64)
  const given = [Buffer.from('pleaseletmein'), Buffer.from('SodiumChloride')] as const
  t.ok(await secrets().scrypt(given[0], given[1], 16384, 8, 1, 64 * 1024 * 1024, out))
  t.match(out.toString('hex'), /^7023bdcb3afd7348461c06cd81fd38eb/)
  t.notOk(
    await secrets().scrypt(given[0], given[1], 16384, 8, 1, 1024, out),
    'too little memory is a refusal',
  )
  t.match(out.toString('hex'), /^7023bdcb/, 'and writes nothing')
})

t.test('X25519 is that of RFC 7748 and of node:crypto, and refuses points of small order', (t) => {
  const alice = Buffer.alloc(32, 0x41)
  const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
  const publicOf = (key: Buffer): Buffer => {
    const out = Buffer.alloc(32)
    t.ok(secrets().x25519PublicKey(key, out))
    return out
  }
  t.equal(
    publicOf(bob).toString('hex'),
    'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  )
  const [one, two] = [Buffer.alloc(32), Buffer.alloc(32)]
  t.ok(secrets().x25519Shared(alice, publicOf(bob), one))
  t.ok(secrets().x25519Shared(bob, publicOf(alice), two))
  t.same(one, two)
  const node = diffieHellman({
    privateKey: createPrivateKey({
      key: Buffer.concat([hex('302e020100300506032b656e04220420'), alice]),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({
      key: Buffer.concat([hex('302a300506032b656e032100'), publicOf(bob)]),
      format: 'der',
      type: 'spki',
    }),
  })
  t.same(one, node)
  t.notOk(secrets().x25519Shared(alice, Buffer.alloc(32), one), 'the zero point')
  t.notOk(secrets().x25519Shared(alice, Buffer.alloc(31), one), 'a wrong length')
  t.end()
})

t.test('a password is derived as node:crypto would', async (t) => {
  using password = secretOf('a password')
  const salt = Buffer.alloc(32, 7)
  using key = await deriveKey(
    password,
    { algorithm: 'pbkdf2-hmac-sha256', iterations: 100_000 },
    salt,
  )
  t.same(Buffer.from(key.bytes), pbkdf2Sync('a password', salt, 100_000, 32, 'sha256'))
  t.equal(textOf(password.bytes), 'a password')
  await t.rejects(
    deriveKey(password, { algorithm: 'pbkdf2-hmac-sha256', iterations: 99_999 }, salt),
    { code: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS' },
  )
  await t.rejects(deriveKey(password, kdfDefaults.scrypt, Buffer.alloc(8)), {
    code: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS',
  })
  await t.rejects(deriveKey(password, { algorithm: 'scrypt', n: 2 ** 15, r: 8, p: 1 }, salt), {
    code: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS',
  })
  await t.rejects(deriveKey(password, { algorithm: 'scrypt', n: 100_000, r: 8, p: 1 }, salt), {
    code: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS',
  })
  await t.rejects(
    deriveKey(password, { algorithm: 'argon2id', memoryKib: 8192, passes: 2, lanes: 1 }, salt),
    { code: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS' },
  )
})
