import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import { cheapKdf, fieldsOf, passwordOf, RecordedAudit, temporaryDirectory } from './support.js'
import { searchMemory, type Search } from './process-memory.js'

t.setTimeout(240_000)

const child = fileURLToPath(new URL('./memory-child.js', import.meta.url))
const skip =
  process.platform === 'linux' ? false : 'reads another process through /proc, which only Linux has'

/** Runs the child to its stage and searches for the patterns; `also` searches in another way meanwhile. */
async function look(
  directory: string,
  stage: string,
  password: string,
  newValue: string,
  patterns: readonly Buffer[],
  also?: (pid: number) => void,
): Promise<Search> {
  const running = spawn(...node(child, directory, stage), {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
  })
  for (const [at, text] of [
    [3, `${password}\n`],
    [4, newValue === '' ? '' : JSON.stringify({ secret: newValue })],
  ] as const) {
    // The child is killed before it reads all of them.
    ;(running.stdio[at] as NodeJS.WritableStream).on('error', () => undefined).end(text)
  }
  await once(running.stdout!, 'data')
  const search = searchMemory(running.pid!, patterns)
  also?.(running.pid!)
  running.kill('SIGKILL')
  await once(running, 'close')
  return search
}

function halves(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  // In UTF-16 too, as a JavaScript string might hold it; and a part, in case an end was overwritten.
  return [bytes, Buffer.from(text, 'utf16le'), bytes.subarray(8, 28)]
}

t.test(
  'after its release a secret is nowhere in the memory of the process',
  { skip, timeout: 120_000 },
  async (t) => {
    const directory = temporaryDirectory(t)
    const password = randomBytes(24).toString('hex')
    const secret = randomBytes(24).toString('hex')
    const rotated = randomBytes(24).toString('hex')
    const store = await CredentialStore.create({
      dataDirectory: directory,
      provider: passwordOf(password, cheapKdf),
      audit: new RecordedAudit(),
    })
    await store.add({ name: 'exchange', kind: 'generic', fields: fieldsOf({ secret }) })
    await store.close()

    const held = await look(directory, 'held', password, '', halves(secret))
    t.ok(held.found[0]! >= 1, 'while it is held, the search finds it: so it can find')
    t.equal(held.found[0], 1, 'and there is exactly one copy of it')

    const patterns = [...halves(secret), ...halves(password)]
    const released = await look(directory, 'released', password, '', patterns)
    t.ok(released.bytesRead > 20_000_000, `${String(released.bytesRead)} bytes were searched`)
    t.same(
      released.found,
      [0, 0, 0, 0, 0, 0],
      'neither the secret nor the master password, in no encoding',
    )

    const open = await look(directory, 'open', password, '', halves(secret))
    t.same(open.found, [0, 0, 0], 'also while the store is still unlocked')

    const changed = await look(directory, 'rotated', password, rotated, [
      ...halves(secret),
      ...halves(rotated),
      ...halves(password),
    ])
    t.same(
      changed.found,
      [0, 0, 0, 0, 0, 0, 0, 0, 0],
      'and after a rotation neither the old nor the new one',
    )
  },
)

const hasGcore = existsSync('/usr/bin/gcore')
const skipDump = skip || (hasGcore ? false : 'gcore (gdb) is not installed')

t.test(
  'a core dump made while a secret is held does not contain it',
  { skip: skipDump, timeout: 120_000 },
  async (t) => {
    const directory = temporaryDirectory(t)
    const secret = randomBytes(24).toString('hex')
    const store = await CredentialStore.create({
      dataDirectory: directory,
      provider: passwordOf(),
      audit: new RecordedAudit(),
    })
    await store.add({ name: 'exchange', kind: 'generic', fields: fieldsOf({ secret }) })
    await store.close()
    const core = join(directory, 'core')
    let inDump = -1
    let dumpBytes = 0
    const search = await look(
      directory,
      'held',
      'correct horse battery staple 9',
      '',
      [Buffer.from(secret)],
      (pid) => {
        try {
          execFileSync('/usr/bin/gcore', ['-o', core, String(pid)], { stdio: 'ignore' })
        } catch {
          return
        }
        const path = `${core}.${String(pid)}`
        const dump = readFileSync(path)
        dumpBytes = dump.length
        inDump = dump.includes(secret) ? 1 : 0
        rmSync(path)
      },
    )
    if (inDump < 0) {
      t.plan(0, 'gcore may not trace the process here')
      return
    }
    t.equal(search.found[0], 1, 'it was in memory')
    t.ok(dumpBytes > 10_000_000, `${String(dumpBytes)} bytes were dumped`)
    t.equal(inDump, 0)
  },
)
