// A promise acknowledges the requested sequence. The engines here answer wrongly, each in its own way.
import t from 'tap'
import { Acknowledgements, type Committer } from '../../lib/torture/acknowledgements.js'
import { Testimony, Word } from '../../lib/torture/testimony.js'

function asking(committer: Committer): { asking: Acknowledgements; heard: Testimony } {
  const heard = new Testimony()
  const asking = new Acknowledgements(committer, (...pairs) => {
    heard.hear(Buffer.from(new Float64Array(pairs).buffer))
  })
  return { asking, heard }
}

const answering = (answer: number): Committer => ({
  durable: () => Promise.resolve(answer),
  syncNow: () => answer,
  durableFrontier: answer,
})

t.test('once durable(s) has resolved, s is acknowledged, whatever it answered', async (t) => {
  const early = asking(answering(92))
  await t.rejects(early.asking.wait(100), /durable\(\) was asked for entry 100 and answered 92/)
  t.equal(early.heard.durable, 100, 'the evidence came before the contradiction')
  const right = asking(answering(120))
  await right.asking.wait(100)
  t.equal(right.heard.durable, 120, 'a frontier that the answer names is a promise too')
})

t.test('durable() without a sequence means all that was appended before the call', async (t) => {
  const asked: (number | undefined)[] = []
  const { asking: committing, heard } = asking({
    ...answering(50),
    durable(sequence) {
      asked.push(sequence)
      return Promise.resolve(50)
    },
  })
  await committing.wait(50, false)
  t.same(asked, [undefined])
  t.equal(heard.durable, 50)
})

t.test('a sequence is acknowledged when its promise resolves, and no sooner', async (t) => {
  let resolve = (_: number): void => undefined
  const { asking: committing, heard } = asking({
    ...answering(0),
    durable: () => new Promise<number>((settle) => (resolve = settle)),
  })
  heard.hear(Buffer.from(new Float64Array([Word.opened, 3]).buffer))
  const wait = committing.wait(70)
  t.match(heard, { durable: 0, phase: 'commit' })
  resolve(70)
  await wait
  t.match(heard, { durable: 70, phase: 'writing' })
})

t.test(
  'syncNow() and appends that are durable when they return acknowledge the same way',
  async (t) => {
    const sync = asking(answering(92))
    t.throws(() => sync.asking.sync(100), /syncNow\(\) was asked for entry 100 and answered 92/)
    t.equal(sync.heard.durable, 100)
    const append = asking(answering(99))
    t.throws(() => append.asking.returned(100), /an append was asked for entry 100/)
    t.match(append.heard, { returned: 100, durable: 100 })
  },
)
