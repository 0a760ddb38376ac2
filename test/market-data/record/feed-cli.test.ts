import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { candleChart } from '../../../lib/cli/candle-chart.js'
import { documentOf, pinnacle } from '../../cli/running.js'
import { startExactExchange } from './exact-exchange.js'
import { comparable, entriesOf, feedEntriesOf } from './journal-view.js'
import { naiveTrades, recordingOf, sessionFrames } from './session.js'

t.setTimeout(110_000)

const scales = ['--scale', 'BTC-USD:2:8', '--scale', 'ETH-USD:2:8']

t.test('a recording is replayed, reported on, charted, and replayed once more', async (t) => {
  const root = t.testdir({})
  const file = join(root, 'session.jsonl')
  const frames = sessionFrames(400)
  writeFileSync(file, recordingOf(frames))
  const data = join(root, 'data')
  const copy = join(root, 'copy')
  const replayed = await pinnacle(['feed', 'replay', file, '--data', data, ...scales, '--json'])
  t.equal(replayed.code, 0, replayed.stderr)
  t.match(documentOf(replayed), { frames: 400, gaps: 0, quarantined: 0 })

  const again = await pinnacle(['feed', 'replay', data, '--data', copy])
  t.equal(again.code, 0, again.stderr)
  t.match(again.stdout, /Replayed 400 frames/)
  const entries = comparable(await entriesOf(data)).filter((line) => !line.includes('"instrument"'))
  const copied = comparable(await entriesOf(copy)).filter((line) => !line.includes('"instrument"'))
  t.same(copied, entries, 'the copy has the same entries')

  const status = await pinnacle(['feed', 'status', data, '--json'])
  const ids = naiveTrades(frames, 'BTC-USD').length + naiveTrades(frames, 'ETH-USD').length
  t.match(documentOf(status), {
    state: 'closed',
    exchange: 'coinbase',
    products: ['BTC-USD', 'ETH-USD'],
    lastSequences: { '': 399 },
    counts: { frames: 400, trades: ids, cutFrames: 0 },
  })
  t.match((await pinnacle(['feed', 'status', data])).stdout, /last number +399/)

  const chart = ['history', 'chart', '--data', data, '-p', 'BTC-USD', '--interval', '1s']
  const drawn = await pinnacle([...chart, '--width', '60', '--height', '12'])
  t.equal(drawn.code, 0, drawn.stderr)
  t.match(drawn.stdout, /BTC-USD {2}1s {2}last 1\d\d\.25/)
  t.match(drawn.stdout, /┤.*[█▄▀│╷╵]/)
})

t.test('a live feed is recorded until Ctrl-C, and taken up again without more words', async (t) => {
  const root = t.testdir({})
  const data = join(root, 'data')
  const exchange = await startExactExchange(sessionFrames(300), { settleMs: 30 })
  t.teardown(() => exchange.close())
  const ca = join(root, 'ca.pem')
  writeFileSync(ca, exchange.ca)
  const trust = ['--ca', ca, '--pin', exchange.pin]
  const first = await pinnacle(
    ['feed', 'record', data, '-p', 'BTC-USD,ETH-USD', '--url', exchange.url, ...trust, ...scales],
    {
      onStart(child) {
        let asked = false // a second Ctrl-C would not wait
        const poll = setInterval(() => {
          entriesOf(data).then(
            (entries) => {
              const seen = entries.filter((entry) => entry.type === 'feed')
              if (seen.filter(({ feed }) => feed.type === 'frame').length < 300 || asked) return
              asked = true
              clearInterval(poll)
              child.kill('SIGINT')
            },
            () => undefined, // the directory does not exist yet
          )
        }, 100)
        child.on('close', () => {
          clearInterval(poll)
        })
      },
    },
  )
  t.equal(first.code, 130, first.stderr)
  t.match(first.stdout, /Recorded 300 frames/)
  t.match(first.stdout, /history +archived through entry \d/)
  t.ok(
    exchange.received.some((text) => text.includes('"unsubscribe"')),
    'it unsubscribes',
  )
  const states = (await feedEntriesOf(data, 'connection')).map(({ feed }) => feed.state)
  t.same(states, ['connecting', 'open', 'subscribed', 'closed'])

  const second = await pinnacle(['feed', 'record', data, ...trust, '--duration', '1.5'])
  t.equal(second.code, 0, second.stderr)
  t.match(second.stdout, /Continues after 300 recorded frames/)
  const gaps = (await feedEntriesOf(data, 'gap')).map(({ feed }) => feed.reason)
  t.same(gaps, ['process-ended'])
})

t.test('what can not be done is said', async (t) => {
  const root = t.testdir({ 'no.jsonl': 'not a recording\n', empty: {} })
  const data = join(root, 'data')
  const cases: [string[], number, RegExp][] = [
    [['record', data], 1, /no feed was recorded/],
    [['record', data, '--url', 'wss://a.example'], 2, /say which products/],
    [['record', data, '-p', 'BTC-USD', '-e', 'coinbas'], 1, /coinbase/],
    [['record', data, '-p', 'BTC-USD', '--url', 'ws://a.example'], 1, /wss:/],
    [['record', data, '-p', 'BTC-USD', '--scale', 'BTC-USD'], 2, /BTC-USD:2:8/],
    [['record', data, '-p', 'BTC-USD', '--ca', join(root, 'none.pem')], 2, /none\.pem/],
    [['replay', join(root, 'no.jsonl'), '--data', data], 1, /not a JSON object/],
    [['replay', join(root, 'none.jsonl'), '--data', data], 2, /can't be replayed/],
    [['replay', join(root, 'no.jsonl'), '--data', data, '--speed', '-1'], 2, /factor/],
  ]
  for (const [args, code, message] of cases) {
    const ran = await pinnacle(['feed', ...args])
    t.equal(ran.code, code, `${args.slice(0, 1).join(' ')}: ${ran.stderr}`)
    t.match(ran.stderr, message)
  }
})

t.test('candles are drawn at their prices', (t) => {
  const plain = (text: string): string => text
  const lines = candleChart(
    [
      { open: 0, high: 7, low: 0, close: 3, gap: false },
      { open: 7, high: 7, low: 4, close: 4, gap: true },
    ],
    {
      width: 20,
      height: 6,
      priceText: String,
      from: 'a',
      to: 'b',
      up: plain,
      down: (text) => text.replaceAll('█', '▓'),
      dim: plain,
    },
  )
  t.same(lines, ['7 ┤│▓', '  ││▓', '  │█ ', '0 ┤█ ', '  └─!', '   a b'])
  t.end()
})
