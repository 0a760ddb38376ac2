/**
 * Unlocks, uses and releases a secret, then waits for an inspection. Run by memory.test.ts, which passes the
 * password over a pipe. This program must never hold the secret in a JavaScript string.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PasswordProvider } from '../../lib/credentials/password-provider.js'
import { readPassword } from '../../lib/credentials/password-source.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import { fieldsFromJson } from '../../lib/credentials/validation.js'
import { secrets } from '../../lib/secure/native.js'
import { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import { readSync } from 'node:fs'

const [directory = '', stage = ''] = process.argv.slice(2)
const audit = { record: (): Promise<void> => Promise.resolve() }

const provider = new PasswordProvider(readPassword({ type: 'descriptor', descriptor: 3 }))
const store = await CredentialStore.open({ dataDirectory: directory, provider, audit })

/** Descriptor 4 receives a JSON with the new value. */
function fieldsFromPipe(): ReturnType<typeof fieldsFromJson> {
  using room = SecretBuffer.allocate(4096)
  let length = 0
  for (;;) {
    const got = readSync(4, room.bytes, length, room.length - length, null)
    if (got === 0) break
    length += got
  }
  return fieldsFromJson(room.bytes.subarray(0, length))
}

if (stage === 'rotated') await store.rotate('exchange', fieldsFromPipe())

await store.withSecret('exchange', async (secret) => {
  const mac = Buffer.alloc(32)
  secrets().hmacSha256(secret.bytes(), Buffer.from('sign this'), mac)
  if (stage === 'held') {
    process.stdout.write(`ready ${mac.toString('hex')}\n`)
    await new Promise((resolve) => process.stdin.once('data', resolve))
  }
})
if (stage !== 'open') await store.close()
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
collect()
process.stdout.write('ready\n')
process.stdin.resume()
