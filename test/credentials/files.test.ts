import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'
import { realFiles, type FileOperations } from '../../lib/secure/file-operations.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import {
  codeOfRejection,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  temporaryDirectory,
  textOf,
} from './support.js'

t.setTimeout(240_000)

class Crash extends Error {}

/** Passes calls on; the n-th modifying call fails, and so does every later one. */
function failingAt(
  n: number,
  failure: () => Error,
  half: boolean,
): { files: FileOperations; calls: () => number } {
  let calls = 0
  const step = async (work: () => Promise<void>, halfWork?: () => Promise<void>): Promise<void> => {
    calls++
    if (calls < n) {
      await work()
      return
    }
    if (calls === n && half) await (halfWork ?? work)()
    throw failure()
  }
  return {
    calls: () => calls,
    files: {
      ...realFiles,
      create: (path, bytes) =>
        step(
          () => realFiles.create(path, bytes),
          () => realFiles.create(path, bytes.subarray(0, bytes.length / 2)),
        ),
      rename: (from, to) => step(() => realFiles.rename(from, to)),
      remove: (path) => step(() => realFiles.remove(path)),
      syncDirectory: (path) => step(() => realFiles.syncDirectory(path)),
    },
  }
}

const errno = (code: string): Error =>
  Object.assign(new Error(`${code}: injected`), { code, errno: -28 })

async function valueOf(directory: string): Promise<string> {
  const store = await CredentialStore.open({
    dataDirectory: directory,
    provider: passwordOf(),
    audit: new RecordedAudit(),
  })
  const value = await store.withSecret('a', (secret) => textOf(secret.bytes()))
  await store.close()
  return value
}

for (const [what, failure, half] of [
  ['a crash before', () => new Crash(), false],
  ['a crash within or after', () => new Crash(), true],
  ['a full disk at', () => errno('ENOSPC'), false],
  ['a disk that went read-only at', () => errno('EROFS'), false],
] as const) {
  t.test(`${what} any file operation of a rotation leaves the old or the new value`, async (t) => {
    const directory = temporaryDirectory(t)
    const audit = new RecordedAudit()
    const store = await CredentialStore.create({
      dataDirectory: directory,
      provider: passwordOf(),
      audit,
    })
    await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'old' }) })
    await store.close()
    let expected = 'old'
    let operations = 0
    for (let n = 1; n < 40; n++) {
      const injected = failingAt(n, failure, half)
      let code = 'resolved'
      try {
        const one = await CredentialStore.open({
          dataDirectory: directory,
          provider: passwordOf(),
          audit,
          files: injected.files,
        })
        code = await codeOfRejection(one.rotate('a', fieldsOf({ secret: `new ${String(n)}` })))
        await one.close()
      } catch (error) {
        code = (error as { code?: string }).code ?? 'crash'
      }
      const value = await valueOf(directory)
      t.ok(value === expected || value === `new ${String(n)}`, `operation ${String(n)}: ${value}`)
      if (code === 'resolved') t.equal(value, `new ${String(n)}`)
      else t.match(code, /^ERR_PINNACLE_(IO|NO_SPACE|READ_ONLY)$/)
      expected = value
      operations = injected.calls()
      if (operations < n) break
    }
    t.ok(operations >= 9, `${String(operations)} operations`)
    const left = readdirSync(directory).filter((name) => name.startsWith('secure_config.json.'))
    t.same(left, [], 'what a crash left is cleared by the next writer')
  })
}

t.test('no file is readable by others at any operation, under any umask', async (t) => {
  for (const umask of [0o000, 0o022, 0o777]) {
    const directory = temporaryDirectory(t)
    const before = process.umask(umask)
    const modes = new Set<string>()
    const look = (): void => {
      for (const name of readdirSync(directory))
        modes.add((lstatSync(join(directory, name)).mode & 0o777).toString(8))
    }
    const watched = Object.fromEntries(
      Object.entries(realFiles).map(([name, call]) => [
        name,
        async (...args: never[]): Promise<unknown> => {
          look()
          const result = await (call as (...given: never[]) => Promise<unknown>)(...args)
          look()
          return result
        },
      ]),
    ) as unknown as FileOperations
    try {
      const store = await CredentialStore.create({
        dataDirectory: directory,
        provider: passwordOf(),
        audit: new RecordedAudit(),
        files: watched,
      })
      await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'v' }) })
      await store.backup(join(directory, 'backup'))
      await store.close()
    } finally {
      process.umask(before)
    }
    // Under umask 777 a new file has no permission at all until it is given 600.
    for (const mode of modes) t.ok(['600', '0', '400', '200'].includes(mode), mode)
    t.ok(modes.has('600'))
  }
})

const child = fileURLToPath(new URL('./rotating-child.js', import.meta.url))

t.test(
  'no instant of a hundred replacements shows a file that others can read, or no file',
  async (t) => {
    const directory = temporaryDirectory(t)
    const running = spawn(...node(child, directory, '30'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let ended = false
    const exit = once(running, 'exit').then(([code]) => {
      ended = true
      return code as number
    })
    await once(running.stdout, 'data')
    let looks = 0
    let loosest = 0
    const isRunning = (): boolean => !ended
    while (isRunning()) {
      for (let i = 0; i < 200; i++) {
        for (const name of readdirSync(directory)) {
          try {
            loosest |= lstatSync(join(directory, name)).mode & 0o177
            looks++
          } catch {
            // A temporary file that was renamed meanwhile.
          }
        }
        JSON.parse(readFileSync(join(directory, 'secure_config.json'), 'utf8'))
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    t.equal(await exit, 0)
    t.equal(loosest, 0, 'never more than 600')
    t.ok(looks > 1000, `${String(looks)} looks`)
  },
)

t.test('a process killed while it rotates leaves a whole file each time', async (t) => {
  const directory = temporaryDirectory(t)
  let last = 0
  for (let round = 0; round < 12; round++) {
    const running = spawn(...node(child, directory, '1000'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let acknowledged = last
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) acknowledged = Math.max(acknowledged, Number(line) || 0)
    })
    await once(running.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 60 + ((round * 37) % 160)))
    running.kill('SIGKILL')
    await once(running, 'close')
    const value = Number(await valueOf(directory))
    t.ok(
      value === acknowledged || value === acknowledged + 1,
      `${String(acknowledged)} acknowledged, ${String(value)} kept`,
    )
    last = value
  }
  t.ok(last > 3, `${String(last)} values`)
})
