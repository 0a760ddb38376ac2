import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readBackup, restoreBackup } from '../../lib/credentials/backup-files.js'
import { recipientPublicBytes } from '../../lib/credentials/key-entry.js'
import {
  createRecipientKey,
  formatPublicKey,
  openRecipientKey,
  parsePublicKey,
} from '../../lib/credentials/recipient-key-file.js'
import {
  publicKeyOf,
  RecipientProvider,
  recipientSeedBytes,
} from '../../lib/credentials/recipient.js'
import { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import {
  codeOfRejection,
  codeThrown,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  temporaryDirectory,
  textOf,
} from './support.js'

t.setTimeout(240_000)

const context = { store: 'ab'.repeat(16) }
const wrong = 'ERR_PINNACLE_WRONG_PASSWORD'

t.test(
  'a key wrapped to a recipient opens with its private key only, freshly each time',
  async (t) => {
    using recipient = RecipientProvider.fromSeeds(SecretBuffer.random(recipientSeedBytes))
    using other = RecipientProvider.fromSeeds(SecretBuffer.random(recipientSeedBytes))
    using key = SecretBuffer.random(32)
    const sender = RecipientProvider.fromPublicKey(recipient.publicKey)
    const [one, two] = [await sender.wrap(key, context), await sender.wrap(key, context)]
    t.notSame(one.ephemeral, two.ephemeral)
    t.notSame(one.encapsulated, two.encapsulated)
    for (const entry of [one, two]) {
      using opened = await recipient.unwrap(entry, context)
      t.ok(opened.equals(key))
    }
    t.ok(recipient.matches(one))
    t.notOk(other.matches(one))
    t.equal(await codeOfRejection(other.unwrap(one, context)), wrong)
    t.equal(
      await codeOfRejection(recipient.unwrap(one, { store: 'cd'.repeat(16) })),
      wrong,
      'another store',
    )
    t.equal(await codeOfRejection(sender.unwrap(one, context)), 'ERR_PINNACLE_CREDENTIALS_NO_KEY')
  },
)

t.test('both halves of the hybrid and every public value are bound', async (t) => {
  using recipient = RecipientProvider.fromSeeds(SecretBuffer.random(recipientSeedBytes))
  using key = SecretBuffer.random(32)
  const entry = await recipient.wrap(key, context)
  const flipped = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy[at] = copy[at]! ^ 1
    return copy
  }
  for (const field of ['publicKey', 'ephemeral', 'encapsulated'] as const) {
    for (const at of [0, 16, entry[field].length - 1]) {
      const bad = { ...entry, [field]: flipped(entry[field], at) }
      t.equal(
        await codeOfRejection(recipient.unwrap(bad, context)),
        wrong,
        `${field} ${String(at)}`,
      )
    }
  }
  // A private key that shares only one half.
  for (const [from, to] of [
    [0, 32],
    [32, 96],
  ] as const) {
    const seeds = SecretBuffer.random(recipientSeedBytes)
    const own = SecretBuffer.random(recipientSeedBytes)
    seeds.bytes.set(own.bytes.subarray(from, to), from)
    using half = RecipientProvider.fromSeeds(seeds)
    using whole = RecipientProvider.fromSeeds(own)
    const sealed = await whole.wrap(key, context)
    t.equal(await codeOfRejection(half.unwrap(sealed, context)), wrong)
  }
})

t.test('malformed public keys are refused', async (t) => {
  t.equal(
    codeThrown(() => RecipientProvider.fromPublicKey(Buffer.alloc(10))),
    'ERR_PINNACLE_INVALID_CREDENTIAL',
  )
  using key = SecretBuffer.random(32)
  const outOfRange = Buffer.alloc(recipientPublicBytes, 0xff)
  t.equal(
    await codeOfRejection(RecipientProvider.fromPublicKey(outOfRange).wrap(key, context)),
    'ERR_PINNACLE_INVALID_CREDENTIAL',
  )
  const zero = Buffer.alloc(recipientPublicBytes)
  t.equal(
    await codeOfRejection(RecipientProvider.fromPublicKey(zero).wrap(key, context)),
    'ERR_PINNACLE_INVALID_CREDENTIAL',
  )
  for (const text of [
    '',
    'hello',
    'pinnacle-recipient-1:AAAA',
    `pinnacle-recipient-1:${zero.toString('base64')}x`,
  ]) {
    t.equal(
      codeThrown(() => parsePublicKey(text)),
      'ERR_PINNACLE_INVALID_CREDENTIAL',
    )
  }
  using seeds = SecretBuffer.random(recipientSeedBytes)
  const publicKey = publicKeyOf(seeds)
  t.same(parsePublicKey(`${formatPublicKey(publicKey)}\n`).publicKey, publicKey)
})

t.test(
  'a private key file opens with its password, and every altered byte is refused',
  async (t) => {
    using provider = passwordOf('the password of the key file')
    const { file, publicKey } = await createRecipientKey(provider)
    using opened = await openRecipientKey(file, provider, 'the key')
    t.same(opened.publicKey, publicKey)
    using other = passwordOf('another password altogether')
    t.equal(await codeOfRejection(openRecipientKey(file, other, 'the key')), wrong)
    for (let at = 0; at < file.length; at += 37) {
      const bad = Buffer.from(file)
      bad[at] = bad[at]! ^ 4
      t.match(
        await codeOfRejection(openRecipientKey(bad, provider, 'the key')),
        /CORRUPT|WRONG_PASSWORD|PARAMETERS|NO_KEY/,
        `byte ${String(at)}`,
      )
    }
  },
)

t.test(
  'a recipient opens a backup that was made for them, and a store they were added to',
  async (t) => {
    const directory = temporaryDirectory(t)
    const elsewhere = temporaryDirectory(t)
    const seeds = SecretBuffer.random(recipientSeedBytes)
    const again = seeds.copy()
    const recipient = RecipientProvider.fromSeeds(seeds)
    const audit = new RecordedAudit()
    const store = await CredentialStore.create({
      dataDirectory: directory,
      provider: passwordOf(),
      audit,
    })
    await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value' }) })
    const backupPath = join(directory, 'backup')
    await store.backup(backupPath, {
      recipients: [RecipientProvider.fromPublicKey(recipient.publicKey)],
    })
    t.equal(store.keys.length, 1, 'the file itself is not opened to them')
    await restoreBackup({ dataDirectory: elsewhere, backupPath, audit })
    const theirs = await CredentialStore.open({
      dataDirectory: elsewhere,
      provider: recipient,
      audit,
    })
    t.equal(await theirs.withSecret('a', (secret) => textOf(secret.bytes())), 'value')
    await theirs.rotate('a', fieldsOf({ secret: 'newer' }))
    await theirs.close()
    const byPassword = await CredentialStore.open({
      dataDirectory: elsewhere,
      provider: passwordOf(),
      audit,
    })
    t.equal(
      await byPassword.withSecret('a', (secret) => textOf(secret.bytes())),
      'newer',
      'the password still opens it',
    )
    await byPassword.close()

    await store.addKey(RecipientProvider.fromPublicKey(recipient.publicKey))
    t.equal(
      await codeOfRejection(store.addKey(RecipientProvider.fromPublicKey(recipient.publicKey))),
      'ERR_PINNACLE_DUPLICATE_CREDENTIAL',
    )
    await store.changeKey(passwordOf('a changed password, quite long'))
    await store.close()
    const opened = await CredentialStore.open({
      dataDirectory: directory,
      provider: RecipientProvider.fromSeeds(again),
      audit,
    })
    t.equal(
      await opened.withSecret('a', (secret) => textOf(secret.bytes())),
      'value',
      'also after the password was changed',
    )
    t.equal(
      await codeOfRejection(opened.changeKey(passwordOf('once more another password'))),
      'ERR_PINNACLE_CREDENTIALS_NO_KEY',
    )
    await opened.close()
    const owner = await CredentialStore.open({
      dataDirectory: directory,
      provider: passwordOf('a changed password, quite long'),
      audit,
    })
    await owner.removeKey((entry) => entry.type === 'recipient')
    t.equal(
      await codeOfRejection(owner.removeKey((entry) => entry.type === 'password')),
      'ERR_PINNACLE_CREDENTIALS_NO_KEY',
    )
    t.same(
      owner.keys.map(({ type }) => type),
      ['password'],
    )
    await owner.close()
  },
)

t.test('backups keep salts, are checksummed, and never replace what is newer', async (t) => {
  const directory = temporaryDirectory(t)
  const audit = new RecordedAudit()
  const store = await CredentialStore.create({
    dataDirectory: directory,
    provider: passwordOf(),
    audit,
  })
  const [first, second] = [join(directory, 'first'), join(directory, 'second')]
  await store.backup(first)
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value' }) })
  await store.backup(second)
  await store.backup(first)
  t.equal((await readBackup(first)).generation, 2, 'an older backup of the same store is replaced')
  const file = readFileSync(join(directory, 'secure_config.json'))
  t.ok((await readBackup(second)).file.equals(file), 'the file, byte for byte')

  const over = 'ERR_PINNACLE_WOULD_OVERWRITE'
  await store.rotate('a', fieldsOf({ secret: 'newer' }))
  t.equal(
    await codeOfRejection(restoreBackup({ dataDirectory: directory, backupPath: second, audit })),
    over,
  )
  t.equal(audit.last, `credentials.restore failed ${over}`)
  await store.close()
  const other = await CredentialStore.create({
    dataDirectory: temporaryDirectory(t),
    provider: passwordOf(),
    audit,
  })
  t.equal(await codeOfRejection(other.backup(second)), over, "another store's backup")
  writeFileSync(join(directory, 'notes'), 'hello', { mode: 0o600 })
  t.equal(
    await codeOfRejection(other.backup(join(directory, 'notes'))),
    over,
    'a file that is not a backup',
  )
  await other.close()

  await restoreBackup({ dataDirectory: directory, backupPath: second, audit, force: true })
  const restored = await CredentialStore.open({
    dataDirectory: directory,
    provider: passwordOf(),
    audit,
  })
  t.equal(await restored.withSecret('a', (secret) => textOf(secret.bytes())), 'value')
  await restored.close()

  const good = readFileSync(second)
  for (let at = 0; at < good.length; at += 11) {
    const bad = Buffer.from(good)
    bad[at] = bad[at]! ^ 1
    writeFileSync(second, bad)
    const code = await codeOfRejection(readBackup(second))
    if (!/CORRUPT|PARAMETERS|NEWER/.test(code)) t.fail(`byte ${String(at)}: ${code}`)
  }
  writeFileSync(second, good.subarray(0, good.length / 2))
  t.equal(await codeOfRejection(readBackup(second)), 'ERR_PINNACLE_CREDENTIALS_CORRUPT')
  t.equal(
    await codeOfRejection(readBackup(join(directory, 'none'))),
    'ERR_PINNACLE_CREDENTIALS_NOT_FOUND',
  )
  chmodSync(first, 0o644)
  t.equal(await codeOfRejection(readBackup(first)), 'ERR_PINNACLE_UNSAFE_FILE')
})
