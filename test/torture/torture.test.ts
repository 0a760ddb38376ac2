// A few seconds of each fault, as a user runs them; the long runs are `pinnacle torture` by hand.
import { spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { node } from '../children.js'
import type { FaultCounts } from '../../lib/torture/counts.js'
import { lacksForPowerCut } from '../../lib/torture/loop-file-system.js'
import { loopDevices } from '../../lib/torture/mounts.js'
import { availableSpaceKind, type SpaceKind } from '../../lib/torture/space.js'
import type { TortureResult } from '../../lib/torture/torture.js'
import { documentOf, pinnacle } from '../cli/running.js'

t.setTimeout(600_000)
// One after another: in parallel the runner has attributed one's output to the other.
t.jobs = 1

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const buffered = { buffered: true }

async function tortured(t: Test, words: readonly string[]): Promise<TortureResult> {
  const directory = join(t.testdir(), 'torture')
  const ran = await pinnacle(['torture', directory, '--json', '--minutes', '3', ...words])
  t.equal(ran.code, 0, ran.stderr + ran.stdout)
  t.notOk(existsSync(directory), 'nothing is left')
  const result = documentOf(ran) as unknown as TortureResult
  t.strictSame(result.violations, [], ran.stdout)
  return result
}

function countsOf(
  t: Test,
  result: TortureResult,
  fault: keyof TortureResult['counts'],
): FaultCounts {
  const counts = result.counts[fault]
  if (counts === undefined) throw new Error(`there was no ${fault}`)
  t.ok(counts.operations > 0, `${fault}: ${String(counts.operations)} operations`)
  t.equal(counts.violations, 0)
  return counts
}

t.test('nothing that returned is lost when writers are killed', buffered, async (t) => {
  const result = await tortured(t, ['--only', 'kill', '--cycles', '4', '--seed', '11'])
  const kill = countsOf(t, result, 'kill')
  t.ok(kill.cycles >= 4)
  t.equal(kill.lost, 0)
  t.ok(kill.followed > 0, 'followers saw and judged entries')
  t.ok(kill.entriesCompared > 0)
})

t.test(
  'a stopped writer keeps its lock, is readable, and goes on when it is continued',
  buffered,
  async (t) => {
    const result = await tortured(t, ['--only', 'stop', '--cycles', '3', '--seed', '12'])
    t.equal(countsOf(t, result, 'stop').lost, 0)
  },
)

t.test(
  'a damaged directory is refused, or repaired as its policy promises',
  buffered,
  async (t) => {
    const result = await tortured(t, ['--only', 'damage', '--cycles', '4', '--seed', '14'])
    const { damage, kill } = result.counts
    t.equal(kill?.violations, 0)
    t.ok(damage !== undefined && damage.cycles >= 6, 'directories, by each policy')
    t.ok((damage?.refusals.strict ?? 0) > 0, 'strict refuses some')
  },
)

/** A writer that never needs a new file in time meets no full disk: so this tries a few times. */
async function starved(t: Test, by: SpaceKind): Promise<FaultCounts> {
  for (let seed = 1; ; seed++) {
    const words = ['--only', 'full', '--full-by', by, '--cycles', '3', '--seed', String(seed)]
    const counts = countsOf(t, await tortured(t, words), 'full')
    const met = counts.refused > 0 && (by === 'ulimit' || counts.resumed > 0)
    if (met || seed === 6) return counts
  }
}

for (const by of ['tmpfs', 'limit', 'ulimit'] as const) {
  const lacks =
    by === 'tmpfs' && !isRoot
      ? 'needs root: it mounts a tmpfs'
      : by === 'limit' && availableSpaceKind() === 'ulimit'
        ? 'needs prlimit'
        : ''
  t.test(
    `a full disk (${by}) refuses operations, keeps what returned, and can be relieved`,
    { ...buffered, skip: lacks !== '' && lacks },
    async (t) => {
      const counts = await starved(t, by)
      t.ok(counts.refused > 0, 'operations were refused')
      // The limit that a writer starts with is permanent.
      if (by !== 'ulimit') t.ok(counts.resumed > 0, 'and taken again')
      t.equal(counts.lost, 0)
    },
  )
}

const noPower = lacksForPowerCut(['ext4', 'xfs'])
t.test(
  'a power cut loses nothing that was promised as durable, on ext4 and xfs',
  { ...buffered, skip: noPower !== '' && noPower },
  async (t) => {
    const before = loopDevices().length
    const result = await tortured(t, ['--only', 'power', '--cycles', '2', '--seed', '16'])
    for (const fault of ['power ext4', 'power xfs'] as const) {
      t.equal(countsOf(t, result, fault).cycles, 2, 'a cut, two writers')
    }
    t.ok(loopDevices().length <= before + 1, 'its loop devices are given back')
  },
)

/** Calls back once, when `seen` returns true, while the process runs. */
function onceSeen(child: ChildProcess, seen: () => boolean, then: () => void): void {
  const looking = setInterval(() => {
    if (!seen()) return
    clearInterval(looking)
    then()
  }, 5)
  child.once('exit', () => {
    clearInterval(looking)
  })
}

/** Whether the writer of this or a later cycle has begun. (The first one may end between two looks.) */
const hasJournal = (directory: string, writer: RegExp, below: string): boolean =>
  existsSync(directory) &&
  readdirSync(directory).some(
    (name) => writer.test(name) && existsSync(join(directory, name, below)),
  )

t.test('Ctrl-C ends it after the cycle that runs, with a result', buffered, async (t) => {
  const directory = join(t.testdir(), 'torture')
  const words = ['torture', directory, '--only', 'kill', '--minutes', '5', '--json']
  const ran = await pinnacle(words, {
    onStart(child) {
      const begun = (): boolean => hasJournal(directory, /^writer-1-\d+$/, 'journal')
      onceSeen(child, begun, () => child.kill('SIGINT'))
    },
  })
  t.equal(ran.code, 130, ran.stderr)
  t.match(documentOf(ran), { violations: { length: 0 } })
  t.notOk(existsSync(directory))
})

t.test(
  'leftovers of a killed torture are found and removed by the next one, mounts and all',
  { ...buffered, skip: !isRoot && 'needs root: it mounts a tmpfs' },
  async (t) => {
    const directory = join(t.testdir(), 'torture')
    const words = ['torture', directory, '--only', 'full', '--full-by', 'tmpfs', '--writers', '1']
    await pinnacle([...words, '--minutes', '5'], {
      onStart(child) {
        const begun = (): boolean =>
          existsSync(join(directory, 'writer-1-full', 'data-1', 'journal'))
        onceSeen(child, begun, () => child.kill('SIGKILL'))
      },
    })
    const mounted = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(directory)
    t.ok(mounted(), 'a mount was left')
    const next = await pinnacle([...words, '--only', 'kill', '--cycles', '1'])
    t.equal(next.code, 0, next.stderr)
    t.match(next.stderr, /was killed; what it left is removed: .*writer-1-full/)
    t.notOk(mounted())
    t.same(readdirSync(directory), [])
  },
)

t.test('it works in an empty directory only, and says what it does not know', async (t) => {
  const directory = join(t.testdir(), 'mine')
  mkdirSync(directory)
  writeFileSync(join(directory, 'precious'), 'data')
  const taken = await pinnacle(['torture', directory, '--cycles', '1'])
  t.equal(taken.code, 1)
  t.match(taken.stderr, /^ERR_PINNACLE_ALREADY_EXISTS: .*give an empty directory/)
  t.same(readdirSync(directory), ['precious'])

  const unknown = await pinnacle(['torture', join(directory, 'x'), '--only', 'flood'])
  t.equal(unknown.code, 2)
  t.match(
    unknown.stderr,
    /ERR_PINNACLE_USAGE: --only takes kill, stop, full, power, damage, not "flood"/,
  )
  t.equal((await pinnacle(['torture'])).code, 2)
  const nothing = await pinnacle(['torture', '--recheck', directory])
  t.equal(nothing.code, 1)
  t.match(nothing.stderr, /^ERR_PINNACLE_NOT_FOUND: .*holds no violation.json/)
})

t.test(
  'without root a power cut is refused with what it needs',
  { skip: !isRoot && 'needs root to become another user' },
  async (t) => {
    const module = new URL('../../lib/torture/loop-file-system.js', import.meta.url).href
    // It becomes another user once the module is loaded: that user may not read this directory.
    const script = `const m = await import(${JSON.stringify(module)})
      process.setgid(65_534); process.setuid(65_534)
      process.stdout.write(m.lacksForPowerCut(['ext4']))`
    const { stdout, stderr } = spawnSync(...node('--input-type=module', '-e', script), {
      encoding: 'utf8',
    })
    t.match(stdout, /power cuts need root/, stderr)
  },
)
