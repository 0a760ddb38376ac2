import fc from 'fast-check'
import t from 'tap'
import { GroupCommit, type CommitSource } from '../../lib/engine/group-commit.js'

class FakeSource implements CommitSource {
  last = 100
  frontier = 0
  requests: number[] = []
  refuses: Error | undefined
  appended(): number {
    return this.last
  }
  appendedAtLeast(): number {
    return this.last - 50
  }
  durable(): number {
    return this.frontier
  }
  requestDurable(sequence: number): void {
    if (this.refuses) throw this.refuses
    this.requests.push(sequence)
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test(
  'all waits of one synchronous stretch become one request for the highest sequence',
  async (t) => {
    const source = new FakeSource()
    const commits = new GroupCommit(source)
    const waits = [commits.wait(3), commits.wait(9), commits.wait(5), commits.wait(9)]
    t.strictSame(source.requests, [], 'nothing is asked for while the caller runs')
    await settle()
    t.strictSame(source.requests, [9])
    t.equal(commits.pending, 3, 'equal sequences wait together')
    commits.advance(9)
    t.strictSame(await Promise.all(waits), [9, 9, 9, 9])
    t.equal(commits.pending, 0)
  },
)

t.test('a sync resolves what it covers and nothing else', async (t) => {
  const source = new FakeSource()
  const commits = new GroupCommit(source)
  const done: number[] = []
  for (const sequence of [7, 2, 5]) void commits.wait(sequence).then(() => done.push(sequence))
  commits.advance(5)
  await settle()
  t.strictSame(done, [2, 5])
  commits.advance(6)
  await settle()
  t.strictSame(done, [2, 5])
  commits.advance(7)
  await settle()
  t.strictSame(done, [2, 5, 7])
})

t.test('what a request already covers is not asked for again', async (t) => {
  const source = new FakeSource()
  const commits = new GroupCommit(source)
  const first = commits.wait(50)
  await settle()
  const second = commits.wait(40)
  await settle()
  t.strictSame(source.requests, [50])
  const third = commits.wait()
  await settle()
  t.strictSame(source.requests, [50, 100], 'no sequence means all that is appended')
  commits.advance(100)
  t.strictSame(await Promise.all([first, second, third]), [100, 100, 100])
})

t.test('what is durable already resolves at once, without a request', async (t) => {
  const source = new FakeSource()
  source.frontier = 60
  const commits = new GroupCommit(source)
  t.equal(await commits.wait(60), 60)
  t.equal(await commits.wait(0), 60)
  t.strictSame(source.requests, [])
})

t.test('a sync that ended before the request reached the engine is seen', async (t) => {
  const source = new FakeSource()
  source.requestDurable = () => {
    source.frontier = 100
  }
  t.equal(await new GroupCommit(source).wait(80), 100)
})

t.test('after a failure what waits and what comes later rejects with the cause', async (t) => {
  const source = new FakeSource()
  const commits = new GroupCommit(source)
  const cause = new Error('the disk is gone')
  const early = commits.wait(4)
  const covered = commits.wait(2)
  commits.advance(2)
  commits.end(cause)
  await t.rejects(early, cause)
  t.equal(await covered, 2, 'what was durable before stays resolved')
  await t.rejects(commits.wait(5), cause)
  t.equal(commits.pending, 0)
})

t.test('a request that the engine refuses rejects what waits', async (t) => {
  const source = new FakeSource()
  source.refuses = new Error('closed')
  await t.rejects(new GroupCommit(source).wait(4), source.refuses)
})

t.test('an invalid sequence, or one that is not appended, is a coded rejection', async (t) => {
  const commits = new GroupCommit(new FakeSource())
  const code = 'ERR_PINNACLE_INVALID_SEQUENCE'
  for (const wrong of [101, -1, 1.5, NaN, 2 ** 53]) {
    await t.rejects(commits.wait(wrong), { code, name: 'PinnacleRangeError' })
  }
  await t.rejects(commits.wait('7' as never), { code, name: 'PinnacleTypeError' })
  t.equal(commits.pending, 0)
})

t.test(
  'in any order of waits and syncs each wait resolves at the first sync that covers it',
  async (t) => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ advance: fc.integer({ min: 1, max: 100 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const source = new FakeSource()
        const commits = new GroupCommit(source)
        const expected: number[] = []
        const open: { sequence: number; at: number }[] = []
        const waits: Promise<number>[] = []
        const advance = (frontier: number): void => {
          source.frontier = frontier
          for (const wait of open.splice(0)) {
            if (wait.sequence <= frontier) expected[wait.at] = frontier
            else open.push(wait)
          }
          commits.advance(frontier)
        }
        for (const action of steps) {
          if ('advance' in action) {
            if (action.advance > source.frontier) advance(action.advance)
            continue
          }
          const at = waits.length
          waits.push(commits.wait(action.wait))
          if (action.wait <= source.frontier) expected[at] = source.frontier
          else open.push({ sequence: action.wait, at })
        }
        advance(101)
        const resolved = await Promise.all(waits)
        return commits.pending === 0 && resolved.every((value, at) => value === expected[at])
      }),
    )
    t.pass('held for all samples')
  },
)
