// Failures: one line `code: message` on stderr, and an exit code for the kind of failure.
import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { documentOf, lobsterFlow, pinnacle } from './running.js'

t.setTimeout(800_000)
// A test mostly waits for a process.
t.jobs = 2

const headerBytes = 4096
const lineBytes = 64

/** A complete run of `orders` orders, and its only segment. */
async function withData(
  t: Test,
): Promise<{ directory: string; data: string; segment: string; last: number }> {
  const directory = t.testdir({ 'flow.csv': lobsterFlow(200) })
  const data = join(directory, 'data')
  const ran = await pinnacle([
    'run',
    join(directory, 'flow.csv'),
    '-d',
    data,
    '-i',
    'TEST',
    '--json',
  ])
  t.equal(ran.code, 0, ran.stderr)
  const { stats } = documentOf(ran) as { stats: { appendedFrontier: number } }
  return { directory, data, segment: firstSegment(data), last: stats.appendedFrontier }
}

function firstSegment(data: string): string {
  const names = readdirSync(join(data, 'journal')).filter((file) => file.endsWith('.segment'))
  return join(data, 'journal', names.sort()[0] ?? '')
}

function damage(file: string, offset: number, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file)
  change(bytes.subarray(offset))
  writeFileSync(file, bytes)
}

/** Whether the line of the entry with this number, or of a later one, is written. */
function hasEntry(data: string, sequence: number): boolean {
  const line = Buffer.alloc(lineBytes)
  try {
    const descriptor = openSync(firstSegment(data), 'r')
    readSync(descriptor, line, 0, lineBytes, headerBytes + sequence * lineBytes)
    closeSync(descriptor)
  } catch {
    return false
  }
  return line.some((byte) => byte !== 0)
}

/** Offset of an entry. Every entry of a run except the marks and the definition is one line. */
async function offsetOf(data: string, sequence: number): Promise<number> {
  const { stdout } = await pinnacle(['dump', data, '--json', '--to', String(sequence - 1)])
  let offset = headerBytes
  for (const line of stdout.trimEnd().split('\n')) {
    const entry = JSON.parse(line) as { type: string; payload?: string }
    const payloadBytes =
      entry.type === 'instrument'
        ? 48
        : entry.type === 'user'
          ? Buffer.from(entry.payload ?? '', 'base64').length
          : 32
    offset += Math.ceil((payloadBytes + 32) / lineBytes) * lineBytes
  }
  return offset
}

t.test(
  'the command line is wrong: exit code 2 and what to write instead',
  { buffered: true },
  async (t) => {
    const wrong: [string[], RegExp][] = [
      [['verfy'], /unknown command 'verfy'[\s\S]*Did you mean verify\?/],
      [['run'], /missing required argument 'file'/],
      [['dump', 'x', '--from', 'abc'], /must be a sequence number/],
      [['run', 'x', '--speed', 'fast'], /must be "full" or a factor/],
      [['run', 'x', '--durability', 'maybe'], /Allowed choices are appended, interval, durable/],
      [['inspect'], /^ERR_PINNACLE_CONFIG_MISSING_KEY: .*dataDirectory.*PINNACLE_DATA_DIRECTORY/],
      [['inspect', 'a', '-d', 'b'], /^ERR_PINNACLE_USAGE: two data directories/],
      [['compact', 'x', '-c', '/nowhere.json'], /^ERR_PINNACLE_CONFIG_FILE/],
    ]
    await Promise.all(
      wrong.map(async ([args, message]) => {
        const ran = await pinnacle(args)
        t.equal(ran.code, 2, args.join(' '))
        t.match(ran.stderr, message, args.join(' '))
        t.equal(ran.stdout, '', args.join(' '))
      }),
    )
  },
)

t.test('a missing directory is an error and is not created', { buffered: true }, async (t) => {
  const directory = t.testdir()
  const absent = join(directory, 'absent')
  const named = ['inspect', 'verify', 'recover', 'snapshot', 'compact', 'repair']
  await Promise.all(
    named.map(async (command) => {
      const ran = await pinnacle([command, absent])
      t.equal(ran.code, 1, `${command}: ${ran.stderr}`)
      t.match(ran.stderr, /^ERR_PINNACLE_NOT_FOUND: .*absent/, command)
    }),
  )
  t.same(readdirSync(directory), [])
})

t.test('every command has help with examples', { buffered: true }, async (t) => {
  const { stdout } = await pinnacle(['--help'])
  t.match(stdout, /Exit codes:/)
  const commands = [...stdout.matchAll(/^ {2}(\w+) \[/gm)].flatMap(([, name]) => name ?? [])
  t.ok(commands.length >= 10)
  await Promise.all(
    commands
      .filter((name) => name !== 'help')
      .map(async (name) => {
        const help = await pinnacle([name, '--help'])
        t.equal(help.code, 0)
        t.match(help.stdout, new RegExp(`Examples:\\n {2}\\$ pinnacle ${name}`), name)
      }),
  )
})

t.test('colours come only where they are wanted', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  // eslint-disable-next-line no-control-regex
  const escape = /\u001b\[/
  const out = async (env: Record<string, string>, ...more: string[]): Promise<string> =>
    (await pinnacle(['verify', data, ...more], { env })).stdout
  const [wanted, ...unwanted] = await Promise.all([
    out({ FORCE_COLOR: '1' }),
    out({ NO_COLOR: '1' }),
    out({ FORCE_COLOR: '1' }, '--no-color'),
    out({ FORCE_COLOR: '1' }, '--json'),
  ])
  t.match(wanted, escape)
  for (const text of unwanted) {
    t.not(text, '')
    t.notMatch(text, escape)
  }
})

t.test(
  'a broken file stops with its line, keeps what came before, and goes on with skip',
  { buffered: true },
  async (t) => {
    const directory = t.testdir({
      'flow.csv': `34200.1,1,1,100,310400,1\n34200.2,1,2,abc,310400,1\n34200.3,1,3,5,310400,1\n`,
    })
    const data = join(directory, 'data')
    const args = ['run', join(directory, 'flow.csv'), '-d', data, '-i', 'TEST']
    const stopped = await pinnacle(args)
    t.equal(stopped.code, 1)
    t.match(
      stopped.stderr,
      /^ERR_PINNACLE_FLOW_BROKEN_LINE: .*flow\.csv:2: size must be .*--broken-lines skip/,
    )
    t.equal(stopped.stderr.trimEnd().split('\n').length, 1)
    const asJson = await pinnacle([...args, '--json'])
    t.match(JSON.parse(asJson.stderr), {
      error: { code: 'ERR_PINNACLE_FLOW_BROKEN_LINE', details: { line: 2 } },
    })
    const skipped = await pinnacle([...args, '--broken-lines', 'skip'])
    t.equal(skipped.code, 0, skipped.stderr)
    t.match(skipped.stdout, /complete at 3 events, resumed after event 1/)
    t.match(skipped.stdout, /not applied +1 broken lines/)
    const dumped = await pinnacle(['dump', data, '-t', 'user'])
    t.match(dumped.stdout, /skipped: broken line, line 2/)
  },
)

t.test(
  'a torn tail: verify says 3, recover cuts and reports it, then all is clean',
  { buffered: true },
  async (t) => {
    const directory = t.testdir({ 'flow.csv': lobsterFlow(2_000) })
    const data = join(directory, 'data')
    // Never synced and killed: nothing says that the last entries were durable.
    const killed = await pinnacle(
      [
        'run',
        join(directory, 'flow.csv'),
        '-d',
        data,
        '-i',
        'TEST',
        '--speed',
        '0.01x',
        '--durability',
        'appended',
      ],
      {
        // (A window would have the entry whole.)
        env: { PINNACLE_WRITE_PATH: 'mapped' },
        onStart: (child) => {
          const timer = setInterval(() => {
            if (hasEntry(data, 40) || child.exitCode !== null) {
              clearInterval(timer)
              child.kill('SIGKILL')
            }
          }, 5)
        },
      },
    )
    t.equal(killed.code, null)
    const { lastSequence: last } = documentOf(await pinnacle(['verify', data, '--json'])) as {
      lastSequence: number
    }
    t.ok(last > 20)
    const segment = firstSegment(data)
    damage(segment, await offsetOf(data, last), (bytes) => bytes.fill(0, 32, lineBytes))
    const verified = await pinnacle(['verify', data])
    t.equal(verified.code, 3, verified.stdout)
    t.match(verified.stdout, /^torn {2}[\s\S]*the next open cuts the torn tail/)
    const repairing = await pinnacle(['repair', data, '--dry-run'])
    t.equal(repairing.code, 0)
    t.match(repairing.stdout, new RegExp(`keeps +entries to ${String(last - 1)}`))
    const recovered = await pinnacle(['recover', data])
    t.equal(recovered.code, 0, recovered.stderr)
    t.match(recovered.stdout, new RegExp(`torn tail, entries to ${String(last - 1)}`))
    t.equal((await pinnacle(['verify', data])).code, 0)
  },
)

t.test(
  'damage in the durable part: verify says 4, open is refused, repair keeps what is named',
  { buffered: true },
  async (t) => {
    const { directory, data, segment, last } = await withData(t)
    const damaged = 100
    const offset = await offsetOf(data, damaged)
    damage(segment, offset, (bytes) => {
      bytes[40] = (bytes[40] ?? 0) ^ 0x10
    })
    const before = readFileSync(segment)

    const verified = await pinnacle(['verify', data, '--json'])
    t.equal(verified.code, 4)
    t.match(documentOf(verified), { verdict: 'corrupt', lastSequence: damaged - 1 })
    const recovered = await pinnacle(['recover', data])
    t.equal(recovered.code, 4)
    t.match(recovered.stderr, /^ERR_PINNACLE_CORRUPT: .*pinnacle verify/)
    const undecided = await pinnacle(['repair', data])
    t.equal(undecided.code, 2)
    t.match(undecided.stderr, /--policy point-in-time or --policy salvage/)

    const trial = await pinnacle(['repair', data, '--dry-run', '--json'])
    t.equal(trial.code, 0, trial.stderr)
    t.match(documentOf(trial), {
      verdict: 'corrupt',
      repaired: false,
      dryRun: {
        'point-in-time': { recovery: { lastSequence: damaged - 1 } },
        salvage: { recovery: { lastSequence: last } },
      },
    })
    t.ok(readFileSync(segment).equals(before), 'a dry run changes nothing')
    t.same(readdirSync(directory).sort(), ['data', 'flow.csv'], 'and leaves nothing behind')

    const salvaged = join(directory, 'salvaged')
    cpSync(data, salvaged, { recursive: true })
    for (const [where, policy, kept] of [
      [data, 'point-in-time', damaged - 1],
      [salvaged, 'salvage', last],
    ] as const) {
      const repaired = await pinnacle(['repair', where, '--policy', policy, '--json'])
      t.equal(repaired.code, 0, repaired.stderr)
      const { recovery } = documentOf(repaired) as {
        recovery: { lastSequence: number; quarantineDirectory: string }
      }
      t.equal(recovery.lastSequence, kept, policy)
      const [copy = ''] = readdirSync(recovery.quarantineDirectory).sort()
      t.ok(
        readFileSync(join(recovery.quarantineDirectory, copy)).equals(before),
        'what was cut is kept as a copy',
      )
      t.equal((await pinnacle(['verify', where])).code, 0, policy)
    }
  },
)

t.test(
  'a damaged snapshot: verify says 6, recovery passes it over, repair puts it aside',
  { buffered: true },
  async (t) => {
    const { data, last } = await withData(t)
    const { path } = documentOf(await pinnacle(['snapshot', data, '--json'])) as { path: string }
    damage(path, 200, (bytes) => {
      bytes[0] = (bytes[0] ?? 0) ^ 0x01
    })
    t.equal((await pinnacle(['verify', data])).code, 6)
    const recovered = await pinnacle(['recover', data])
    t.equal(recovered.code, 0, recovered.stderr)
    t.match(recovered.stdout, /passed over/)
    const repaired = await pinnacle(['repair', data, '--json'])
    t.equal(repaired.code, 0, repaired.stderr)
    const { snapshotsQuarantined } = documentOf(repaired) as { snapshotsQuarantined: string[] }
    t.equal(snapshotsQuarantined.length, 1)
    const verified = await pinnacle(['verify', data, '--json'])
    t.equal(verified.code, 0)
    t.match(documentOf(verified), { verdict: 'clean', lastSequence: last })
  },
)
