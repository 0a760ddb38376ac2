// pinnacle clean-windows removes only what is certainly unneeded.
import { copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cleanWindows, PersistenceManager, type FoundWindow } from '../../lib/index.js'
import { documentOf, pinnacle } from '../cli/running.js'
import { killedWriter } from './killing.js'
import { memoryDirectory, needsMemory, windowsIn } from './places.js'

t.setTimeout(200_000)

const open = (dataDirectory: string, memory: string): Promise<PersistenceManager> =>
  PersistenceManager.open({
    dataDirectory,
    writePath: 'window',
    windowDirectory: memory,
    windowSize: '64KiB',
    snapshotIntervalMin: 0,
  })

const statesOf = (windows: readonly FoundWindow[]): [string, boolean][] =>
  windows.map(({ state, removed }) => [state, removed])

t.test('windows that are needed stay, left ones go', { skip: needsMemory }, async (t) => {
  const memory = memoryDirectory(t)
  const data = join(t.testdir(), 'data')
  const clean = (force = false): Promise<FoundWindow[]> =>
    cleanWindows({ windowDirectory: memory, force })
  t.same(await clean(), [])
  const writer = await open(data, memory)
  for (const force of [false, true]) {
    t.match(await clean(force), [
      { state: 'in-use', removed: false, dataDirectory: data, pid: process.pid },
    ])
  }
  await writer.close()
  t.same(await clean(), [])

  await killedWriter(data, memory, 'appended', 20)
  const [name = ''] = windowsIn(memory)
  const path = join(memory, name)
  for (const force of [false, true]) {
    t.match(await clean(force), [{ path, state: 'needed', removed: false, bytes: 131_072 }])
  }
  // Its directory moves away: it is unknown whether the entries are anywhere else.
  renameSync(data, `${data}-moved`)
  t.match(await clean(), [
    { state: 'no-directory', removed: false, reason: /may be the only copy/, dataDirectory: data },
  ])
  renameSync(`${data}-moved`, data)

  // The directory goes on, and its old window comes back.
  copyFileSync(path, `${path}.kept`)
  await (await open(data, memory)).close()
  t.same(windowsIn(memory), [])
  renameSync(`${path}.kept`, path)
  t.same(statesOf(await cleanWindows({ windowDirectory: memory, dryRun: true })), [
    ['left-over', false],
  ])
  t.same(statesOf(await clean()), [['left-over', true]])
  t.same(windowsIn(memory), [])
})

t.test('what may be the only copy goes by force', { skip: needsMemory }, async (t) => {
  const memory = memoryDirectory(t)
  const data = join(t.testdir(), 'data')
  await killedWriter(data, memory, 'appended', 20)
  const [name = ''] = windowsIn(memory)
  const path = join(memory, name)
  const zeros = name.replace(/[0-9a-f]{32}/, '0'.repeat(32))
  writeFileSync(join(memory, zeros), 'no window', { mode: 0o600 })
  writeFileSync(join(memory, 'pinnacle-not-one.window'), '', { mode: 0o600 })
  copyFileSync(path, `${path}.refused`)
  rmSync(data, { recursive: true })
  const kept = await pinnacle(['clean-windows', '--window-directory', memory])
  t.equal(kept.code, 0, kept.stderr)
  t.match(kept.stdout, /3 windows, 0 removed/)
  t.match(kept.stdout, /its directory is not found\n.*may be the only copy/)
  t.match(kept.stdout, /was refused/)
  const forced = await pinnacle(['clean-windows', '--force', '--json'], {
    env: { PINNACLE_WINDOW_DIRECTORY: memory },
  })
  t.equal(forced.code, 0, forced.stderr)
  const { windows } = documentOf(forced) as { windows: FoundWindow[] }
  t.strictSame(statesOf(windows).sort(), [
    ['no-directory', true],
    ['refused', true],
    ['unreadable', true],
  ])
  t.same(windowsIn(memory), ['pinnacle-not-one.window'])
  const none = await pinnacle(['clean-windows', '--window-directory', memory])
  t.match(none.stdout, /No windows/)
  const missing = await pinnacle(['clean-windows', '--window-directory', join(memory, 'missing')])
  t.equal(missing.code, 1)
  t.match(missing.stderr, /ERR_PINNACLE_NOT_FOUND/)
})

t.test(
  'a window that can not be used is put aside, and the commands say so',
  { skip: needsMemory },
  async (t) => {
    const memory = memoryDirectory(t)
    const data = join(t.testdir(), 'data')
    await killedWriter(data, memory, 'appended', 20)
    const [name = ''] = windowsIn(memory)
    truncateSync(join(memory, name), 70_000)
    const verified = await pinnacle(['verify', data])
    t.equal(verified.code, 0, verified.stderr)
    t.match(verified.stdout, /can't be used: it was cut short/)
    const pure = await pinnacle(['verify', '--pure', data])
    t.match(pure.stdout, /names the window .*they were not looked at/)
    const manager = await open(data, memory)
    t.match(manager.recovery.window, {
      fate: 'refused',
      path: join(memory, `${name}.refused`),
      reason: /was cut short/,
    })
    await manager.close()
    t.match(await cleanWindows({ windowDirectory: memory }), [{ state: 'refused', removed: false }])
  },
)

t.test('the commands show what a window has', { skip: needsMemory }, async (t) => {
  const memory = memoryDirectory(t)
  const data = join(t.testdir(), 'data')
  let entries = 0
  while (entries === 0) {
    await killedWriter(data, memory, 'appended', 20)
    const verified = await pinnacle(['verify', data, '--json'])
    t.equal(verified.code, 0, verified.stderr)
    const { window } = documentOf(verified) as { window: { fate: string; entries: number } }
    t.equal(window.fate, 'used')
    entries = window.entries
  }
  t.match((await pinnacle(['verify', data])).stdout, /only, which the next open takes over/)
  t.match((await pinnacle(['inspect', data])).stdout, /window .*which the next open takes over/)
  const recovered = await pinnacle(['recover', data])
  t.match(recovered.stdout, /window .*taken over from/)
  t.same(windowsIn(memory), [])
})
