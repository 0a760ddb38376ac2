/**
 * Rotates a credential a given number of times, and reports each value once it is kept. Run by files.test.ts.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CredentialStore } from '../../lib/credentials/store.js'
import { fieldsOf, passwordOf, RecordedAudit, textOf } from './support.js'

const [directory = '', count = '0'] = process.argv.slice(2)
process.umask(0)
const options = { dataDirectory: directory, provider: passwordOf(), audit: new RecordedAudit() }
const isNew = !existsSync(join(directory, 'secure_config.json'))
const store = isNew ? await CredentialStore.create(options) : await CredentialStore.open(options)
if (isNew) await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: '1' }) })
let value = Number(await store.withSecret('a', (secret) => textOf(secret.bytes())))
process.stdout.write(`${String(value)}\n`)
for (let i = 0; i < Number(count); i++) {
  value++
  await store.rotate('a', fieldsOf({ secret: String(value) }))
  process.stdout.write(`${String(value)}\n`)
}
await store.close()
