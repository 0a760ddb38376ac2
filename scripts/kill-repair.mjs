// Kills a repair at every system call that changes something, and requires that the directory can be opened
// as before, or as after the repair: on the real file system, through the built package.
//
// Usage: node scripts/kill-repair.mjs [--directory DIR] [--damage NAME] [--policy NAME]
//
// It needs Linux with strace; without them it says so and checks nothing. It makes a damaged directory and
// opens it once with the policy, under strace, to list the calls (creating, writing, renaming, removing,
// syncing, reserving). Then for each of them it opens a copy of the directory again, and the process gets
// SIGKILL as it enters that call. Afterwards
// - every file is at its place or in quarantine/;
// - a strict open does what inspect() said it would;
// - a strict open refuses as before the repair, with all files unchanged, and the policy then gives the
//   uninterrupted result; or it opens with exactly that result.
// Exit code 1 if one of these fails.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const self = fileURLToPath(import.meta.url)
const root = path.dirname(path.dirname(self))
const changing = [
  'openat',
  'write',
  'pwrite64',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'fsync',
  'fdatasync',
  'mkdir',
  'mkdirat',
  'fallocate',
  'ftruncate',
  'msync',
]
// Node's own threads make these too; the path distinguishes them.
const alsoOfNode = new Set(['openat', 'write'])
const policies = ['point-in-time', 'salvage']
const segmentHeaderBytes = 4096

const { PersistenceManager, inspect } = await import(path.join(root, 'dist', 'index.js'))

const settings = (dataDirectory, recoveryPolicy) => ({
  dataDirectory,
  recoveryPolicy,
  segmentSize: '64KiB',
  snapshotIntervalMin: 0,
  instruments: [{ name: 'A', priceScale: 0, quantityScale: 0 }],
})

// --- the child: one open, which may be killed ---

if (process.argv[2] === 'open') {
  const [, , , directory, policy] = process.argv
  const manager = await PersistenceManager.open(settings(directory, policy))
  await manager.close()
  process.exit(0)
}

// --- damaged directories ---

const segmentFile = (directory, index) =>
  path.join(directory, 'journal', `${String(index).padStart(20, '0')}.segment`)

function flipByte(file, offset) {
  const descriptor = openSync(file, 'r+')
  const byte = new Uint8Array(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] ^= 1
  writeSync(descriptor, byte, 0, 1, offset)
  closeSync(descriptor)
}

function snapshotFiles(directory) {
  const parent = path.join(directory, 'snapshots')
  return readdirSync(parent)
    .sort()
    .map((name) => path.join(parent, name))
}

const entryOffset = (number) => segmentHeaderBytes + number * 64 + 30

const damages = {
  'an entry, a damaged snapshot before it': (directory) => {
    flipByte(segmentFile(directory, 2), entryOffset(300))
    flipByte(snapshotFiles(directory)[0], 5000)
  },
  'a missing segment, a damaged head record, a renamed snapshot': (directory) => {
    rmSync(segmentFile(directory, 3))
    for (const offset of [100, 4196]) flipByte(path.join(directory, 'HEAD'), offset)
    const [, newest] = snapshotFiles(directory)
    renameSync(newest, path.join(path.dirname(newest), `${'77'.padStart(20, '0')}.snapshot`))
  },
}

/** Four segments of orders, and two snapshots in the first. */
async function makeSound(directory) {
  const manager = await PersistenceManager.open(settings(directory, 'strict'))
  const book = manager.book('A')
  for (let id = 1; id <= 3400; id++) {
    book.add(id, id % 2, 100 + (id % 7), 5)
    if (id % 3 === 0) book.execute(id, 2)
    if (id === 200 || id === 500) await manager.snapshot()
  }
  await manager.close()
}

// --- what is found ---

function filesOf(directory) {
  return new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'LOCK')
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(directory, file), readFileSync(file)]),
  )
}

const holdsNothing = (name, bytes) =>
  name.endsWith('.segment') && bytes.subarray(segmentHeaderBytes).every((byte) => byte === 0)

/** Whether a file is intact, byte by byte; an open changes a segment's marks and a head record. */
function isKept(name, bytes, now) {
  for (const [other, content] of now) {
    const quarantined =
      other.startsWith('quarantine/') && path.basename(other) === path.basename(name)
    if ((other === name || quarantined) && content.equals(bytes)) return true
    if (other !== name) continue
    if (name === 'HEAD') return true
    const lines = (file) => file.subarray(segmentHeaderBytes)
    if (name.endsWith('.segment') && lines(content).equals(lines(bytes))) return true
  }
  return false
}

/** Snapshots, and the files in quarantine. */
function keptFilesOf(directory) {
  const kept = []
  for (const [name, bytes] of filesOf(directory)) {
    if (name.endsWith('.repair') || name === 'REPAIR') throw new Error(`${name} is left`)
    if (name.startsWith('snapshots/')) kept.push([name, bytes])
    if (name.startsWith('quarantine/')) kept.push([path.basename(name), bytes])
  }
  return kept.sort(([a], [b]) => (a < b ? -1 : 1))
}

async function entriesOf(manager) {
  const entries = []
  for await (const entry of manager.journal.entries()) {
    // The time of a hole is that of the repair.
    entries.push(entry.type === 'hole' ? { ...entry, timestampNs: 0n } : entry)
  }
  return entries
}

/** An outcome, or why the open was refused. */
async function tryOpen(directory, policy) {
  let manager
  try {
    manager = await PersistenceManager.open(settings(directory, policy))
  } catch (error) {
    if (!error.code?.startsWith('ERR_PINNACLE_')) throw error
    return { refusal: `${error.code}: ${error.message.replaceAll(directory, '<directory>')}` }
  }
  const { lastSequence, snapshotSequence, repairFinished } = manager.recovery
  const { orders, digest } = manager.book('A').info()
  const entries = await entriesOf(manager)
  await manager.close()
  const files = keptFilesOf(directory)
  return {
    outcome: { lastSequence, snapshotSequence, orders, digest, entries, files },
    repairFinished,
  }
}

// --- one damaged directory and one policy ---

class Subject {
  constructor(work, damaged, policy) {
    this.damaged = damaged
    this.copy = path.join(work, 'copy')
    this.log = path.join(work, 'calls')
    this.policy = policy
    this.originals = filesOf(damaged)
    this.asAfter = 0
    this.asBefore = 0
  }

  fresh() {
    rmSync(this.copy, { recursive: true, force: true })
    cpSync(this.damaged, this.copy, { recursive: true })
  }

  openUnder(options) {
    return spawnSync(
      'strace',
      [
        '-f',
        '-qq',
        '-y',
        '-o',
        this.log,
        ...options,
        process.execPath,
        self,
        'open',
        this.copy,
        this.policy,
      ],
      { encoding: 'utf8' },
    )
  }

  /** Opens without interruption; returns the changing calls with their names, counts and files. */
  async prepare() {
    this.fresh()
    this.before = await tryOpen(this.copy, 'strict')
    if (!this.before.refusal) throw new Error('the damaged directory opens')
    this.fresh()
    const { status, stderr } = this.openUnder([
      '-e',
      `trace=${changing.map((name) => `?${name}`).join(',')}`,
    ])
    if (status !== 0) throw new Error(`the repair failed: ${stderr}`)
    const calls = this.#calls()
    this.after = await tryOpen(this.copy, 'strict')
    if (!this.after.outcome) throw new Error(`the repaired directory: ${this.after.refusal}`)
    this.#requireAllKept()
    return calls
  }

  #calls() {
    const counts = new Map()
    const paths = new Map()
    for (const line of readFileSync(this.log, 'utf8').split('\n')) {
      const [, thread, name, rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
      if (!name || (!rest.includes(this.copy) && name !== 'msync')) continue
      if (name === 'openat' && !rest.includes('O_CREAT')) continue
      // strace counts each thread's calls separately.
      const ofThread = counts.get(name) ?? new Map()
      ofThread.set(thread, (ofThread.get(thread) ?? 0) + 1)
      counts.set(name, ofThread)
      const [file] = /[^"<>]*/.exec(rest.slice(rest.indexOf(this.copy))) ?? []
      paths.set(name, (paths.get(name) ?? new Set()).add(file))
    }
    return [...counts].map(([name, ofThread]) => ({
      name,
      count: Math.max(...ofThread.values()),
      paths: alsoOfNode.has(name) ? [...paths.get(name)] : [],
    }))
  }

  /** Returns whether the process was killed. */
  killAt({ name, paths }, n) {
    this.fresh()
    const { status, signal } = this.openUnder([
      ...paths.flatMap((file) => ['-P', file]),
      '-e',
      `trace=${name}`,
      '-e',
      `inject=${name}:signal=KILL:when=${n}`,
    ])
    return signal === 'SIGKILL' || status === 137
  }

  async check() {
    this.#requireAllKept()
    const inspected = await inspect(this.copy)
    const said = inspected.recoveryError
    let opened = await tryOpen(this.copy, 'strict')
    const expected = said && `${said.code}: ${said.message.replaceAll(this.copy, '<directory>')}`
    if ((expected ?? undefined) !== opened.refusal) {
      throw new Error(`inspect said ${expected}, and the open ${opened.refusal}`)
    }
    if (opened.refusal) {
      this.asBefore++
      if (opened.refusal !== this.before.refusal) throw new Error(`refused: ${opened.refusal}`)
      const now = filesOf(this.copy)
      for (const [name, bytes] of this.originals) {
        if (!now.get(name)?.equals(bytes)) throw new Error(`${name} is not as it was`)
      }
      opened = await tryOpen(this.copy, this.policy)
      if (opened.refusal) throw new Error(`the policy refused afterwards: ${opened.refusal}`)
    } else {
      this.asAfter++
      if (inspected.repairPending !== opened.repairFinished) {
        throw new Error(`inspect said that a repair is pending: ${inspected.repairPending}`)
      }
    }
    for (const [key, value] of Object.entries(this.after.outcome)) {
      if (!isDeepStrictEqual(opened.outcome[key], value)) {
        throw new Error(`a different result than without the kill: ${key}`)
      }
    }
    this.#requireAllKept()
  }

  #requireAllKept() {
    const now = filesOf(this.copy)
    for (const [name, bytes] of this.originals) {
      if (!holdsNothing(name, bytes) && !isKept(name, bytes, now))
        throw new Error(`${name} is gone`)
    }
  }
}

async function run(work, sound, damageName, policy) {
  const damaged = path.join(work, 'damaged')
  rmSync(damaged, { recursive: true, force: true })
  cpSync(sound, damaged, { recursive: true })
  damages[damageName](damaged)
  const subject = new Subject(work, damaged, policy)
  const calls = await subject.prepare()
  let kills = 0
  let failures = 0
  for (const call of calls) {
    for (let n = 1; n <= call.count; n++) {
      if (!subject.killAt(call, n)) {
        console.error(`${call.name} ${n} was not reached`)
        failures++
        continue
      }
      kills++
      try {
        await subject.check()
      } catch (error) {
        console.error(`${damageName}, ${policy}, killed at ${call.name} ${n}: ${error.message}`)
        failures++
      }
    }
  }
  const list = calls.map(({ name, count }) => `${name} ${count}`).join(', ')
  console.log(
    `${damageName}; ${policy}: ${kills} kills (${list}): ` +
      `${subject.asBefore} as before, ${subject.asAfter} as after, ${failures} failed`,
  )
  return { kills, failures }
}

// --- all of them ---

const words = process.argv.slice(2)
function take(option) {
  const at = words.indexOf(option)
  return at < 0 ? undefined : words.splice(at, 2)[1]
}
const parent = take('--directory') ?? tmpdir()
const wantedDamage = take('--damage') ?? ''
const wantedPolicy = take('--policy') ?? ''
const damageNames = Object.keys(damages).filter((name) => name.includes(wantedDamage))
if (process.platform !== 'linux' || spawnSync('strace', ['-V']).status !== 0) {
  console.log('kill-repair: skipped, it needs Linux and strace')
  process.exit(0)
}
if (words.length > 0 || !existsSync(parent) || damageNames.length === 0) {
  console.error(
    `kill-repair: unknown argument: ${words.join(' ') || parent}; see the head of ${self}`,
  )
  process.exit(2)
}
const work = mkdtempSync(path.join(parent, 'pinnacle-kill-repair-'))
let kills = 0
let failures = 0
try {
  const sound = path.join(work, 'sound')
  await makeSound(sound)
  for (const damageName of damageNames) {
    for (const policy of policies.filter((name) => name.includes(wantedPolicy))) {
      const result = await run(work, sound, damageName, policy)
      kills += result.kills
      failures += result.failures
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`${kills} kills, ${failures === 0 ? 'all restartable' : `${failures} failures`}`)
process.exit(failures === 0 ? 0 : 1)
