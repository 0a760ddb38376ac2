import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Side } from '../../lib/book/side.js'
import { openFlowFile, type FlowFileOptions } from '../../lib/order-flow/file-source.js'
import { FlowKind, NoteReason, type FlowOperation } from '../../lib/order-flow/flow-operation.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'
import { openingOrderId } from '../../lib/order-flow/live-orders.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { operationsOf } from './operations.js'

async function mapped(
  t: Test,
  files: Record<string, string>,
  options: FlowFileOptions = {},
): Promise<{ source: FlowSource; operations: FlowOperation[] }> {
  const directory = t.testdir(files)
  const source = await openFlowFile(join(directory, 'flow.csv'), {
    ...options,
    ...(options.openingBook === undefined
      ? {}
      : { openingBook: join(directory, options.openingBook) }),
  })
  return { source, operations: await operationsOf(source) }
}

const lobster = (...lines: string[]): Record<string, string> => ({
  'flow.csv': `${lines.join('\n')}\n`,
})
const named = { instrument: 'X' }

t.test('each LOBSTER type becomes the operation that it is', async (t) => {
  const { source, operations } = await mapped(
    t,
    lobster(
      '34200.000000001,1,1,100,310400,1',
      '34200.000000002,1,2,300,310500,-1',
      '34200.000000003,2,2,100,310500,-1',
      '34200.000000004,4,2,50,310500,-1',
      '34200.000000005,5,0,70,310450,1',
      '34200.000000006,3,1,100,310400,1',
      '34200.000000007,7,0,0,-1,-1',
      '34200.000000008,7,0,0,0,-1',
      '34200.000000009,7,0,0,1,-1',
      '34200.000000010,4,2,150,310500,-1',
    ),
    named,
  )
  t.same(
    operations.map(({ kind, orderId, quantity }) => [kind, orderId, quantity]),
    [
      [FlowKind.Add, 1, 100],
      [FlowKind.Add, 2, 300],
      [FlowKind.Reduce, 2, 100],
      [FlowKind.Execute, 2, 50],
      [FlowKind.Trade, 0, 70],
      [FlowKind.Cancel, 1, 100],
      [FlowKind.Status, 0, 0],
      [FlowKind.Status, 0, 2],
      [FlowKind.Status, 0, 1],
      [FlowKind.Execute, 2, 150],
    ],
  )
  t.equal(operations[0]?.timestampNs, 34_200_000_000_001)
  t.match(source.counts(), { events: 10, adds: 2, cancels: 2, executions: 2, trades: 1, halts: 3 })
  t.equal(source.liveOrders(0), 0)
})

t.test(
  'events about orders born before the file take from the opening level, and no more than it has',
  async (t) => {
    const { source, operations } = await mapped(
      t,
      {
        // Message 0 is in the opening book already: row 0 is the book after it.
        'flow.csv': [
          '34200.0,3,77,100,310400,-1',
          '34200.1,3,900,300,309500,1',
          '34200.2,1,5,40,309500,1',
          '34200.3,4,901,200,309500,1',
          '34200.4,2,902,1,309500,1',
          '34200.5,4,903,10,309400,1',
          '34200.6,4,5,40,309500,1',
        ].join('\n'),
        'book.csv': '309900,3788,309500,500,310500,100,9999999999,0\n',
      },
      { ...named, openingBook: 'book.csv' },
    )
    const bid = openingOrderId(Side.Buy, 309_500)
    t.same(
      operations.map(({ kind, orderId, quantity }) => [kind, orderId, quantity]),
      [
        [FlowKind.Add, openingOrderId(Side.Sell, 309_900), 3788],
        [FlowKind.Add, openingOrderId(Side.Sell, 310_500), 100],
        [FlowKind.Add, bid, 500],
        [FlowKind.Reduce, bid, 300],
        [FlowKind.Add, 5, 40],
        [FlowKind.Execute, bid, 200],
        [FlowKind.Note, 902, NoteReason.UnknownOrder],
        [FlowKind.Note, 903, NoteReason.UnknownOrder],
        [FlowKind.Execute, 5, 40],
      ],
    )
    t.match(source.counts(), { openingLevels: 3, fromOpeningBook: 2, unknownOrders: 2, adds: 1 })
  },
)

t.test('with unknownOrders "stop" the first of them ends it, with its line', async (t) => {
  await t.rejects(
    mapped(t, lobster('34200.0,1,1,100,310400,1', '34200.1,4,9,10,310400,1'), {
      ...named,
      unknownOrders: 'stop',
    }),
    { code: 'ERR_PINNACLE_FLOW_UNKNOWN_ORDER', message: /flow\.csv:2: order 9 .*opening book/ },
  )
})

t.test('a contradiction stops by default, with its line and what is wrong', async (t) => {
  const add = '34200.0,1,1,100,310400,1'
  const contradictions: [string, RegExp][] = [
    ['34200.1,1,1,100,310400,1', /order 1 is live already/],
    ['34200.1,2,1,101,310400,1', /only 100 open/],
    ['34200.1,3,1,160,310400,1', /only 100 open/],
    ['34200.1,4,1,10,310500,1', /another price/],
    ['34200.1,4,1,10,310400,-1', /another side/],
  ]
  for (const [line, problem] of contradictions) {
    await t.rejects(mapped(t, lobster(add, line), named), {
      code: 'ERR_PINNACLE_FLOW_INCONSISTENT',
      message: problem,
      details: { line: 2 },
    })
  }
})

t.test('a deletion of less than is open takes the whole order, and is counted', async (t) => {
  const { source, operations } = await mapped(
    t,
    lobster('34200.0,1,1,400,310400,1', '34200.1,3,1,200,310400,1'),
    named,
  )
  t.equal(operations[1]?.kind, FlowKind.Cancel)
  t.match(source.counts(), { reducedUnseen: 1, cancels: 1 })
  t.equal(source.liveOrders(0), 0)
})

t.test('skipped lines leave a note each and are counted, and the rest goes on', async (t) => {
  const { source, operations } = await mapped(
    t,
    lobster(
      '34200.0,1,1,100,310400,1',
      'rubbish',
      '34200.1,1,1,100,310400,1',
      '',
      '34200.2,4,1,30,310400,1',
    ),
    { ...named, brokenLines: 'skip' },
  )
  t.same(
    operations.map(({ kind, quantity, line }) => [kind, quantity, line]),
    [
      [FlowKind.Add, 100, 1],
      [FlowKind.Note, NoteReason.BrokenLine, 2],
      [FlowKind.Note, NoteReason.Inconsistent, 3],
      [FlowKind.Execute, 30, 5],
    ],
  )
  t.match(source.counts(), { events: 4, brokenLines: 1, inconsistent: 1 })
})

t.test('what precedes a broken line comes out before the error', async (t) => {
  const directory = t.testdir(
    lobster('34200.0,1,1,100,310400,1', '34200.1,1,2,5,310400,1', 'rubbish'),
  )
  const source = await openFlowFile(join(directory, 'flow.csv'), named)
  let seen = 0
  await t.rejects(
    async () => {
      for await (const operations of source.operations()) seen += operations.length
    },
    {
      code: 'ERR_PINNACLE_FLOW_BROKEN_LINE',
      message: /flow\.csv:3: expected 6 fields, found 1: "rubbish"/,
    },
  )
  t.equal(seen, 2)
})

t.test('an opening book that is invalid, empty or of the wrong format is refused', async (t) => {
  const directory = t.testdir({
    ...lobster('34200.0,1,1,100,310400,1'),
    'wrong.csv': 'price,size\n',
    'empty.csv': '',
    'mbo.csv': 'ts_event,action,side,price,size,order_id,symbol\n',
    'book.csv': '309900,3788,309500,500\n',
  })
  const open = (file: string, book: string): Promise<FlowSource> =>
    openFlowFile(join(directory, file), { ...named, openingBook: join(directory, book) })
  await t.rejects(open('flow.csv', 'wrong.csv'), { code: 'ERR_PINNACLE_FLOW_OPENING_BOOK' })
  await t.rejects(open('flow.csv', 'empty.csv'), { code: 'ERR_PINNACLE_FLOW_EMPTY' })
  await t.rejects(open('flow.csv', 'absent.csv'), { code: 'ERR_PINNACLE_FLOW_UNREADABLE' })
  await t.rejects(open('mbo.csv', 'book.csv'), { code: 'ERR_PINNACLE_FLOW_OPENING_BOOK' })
})

const databento = (...lines: string[]): Record<string, string> => ({
  'flow.csv': ['ts_event,action,side,price,size,order_id,symbol', ...lines].join('\n'),
})

t.test('each Databento action becomes the operation that it is, symbol by symbol', async (t) => {
  const { source, operations } = await mapped(
    t,
    databento(
      '1,R,N,,0,0,ARL',
      '2,A,B,5.510000000,100,1,ARL',
      '3,A,A,5.520000000,60,1,XYZ',
      '4,M,B,5.510000000,80,1,ARL',
      '5,M,B,5.510000000,80,1,ARL',
      '6,M,B,5.500000000,90,1,ARL',
      '7,T,A,5.500000000,10,0,ARL',
      '8,F,B,5.500000000,10,1,ARL',
      '9,C,B,5.500000000,10,1,ARL',
      '10,T,N,5.500000000,3,0,ARL',
      '11,C,B,5.500000000,80,1,ARL',
      '12,C,B,5.500000000,80,999,ARL',
      '13,R,N,,0,0,XYZ',
    ),
  )
  t.same(
    operations.map(({ kind, instrument, quantity }) => [kind, instrument, quantity]),
    [
      [FlowKind.Clear, 0, 0],
      [FlowKind.Add, 0, 100],
      [FlowKind.Add, 1, 60],
      [FlowKind.Reduce, 0, 20],
      [FlowKind.Note, 0, NoteReason.NoChange],
      [FlowKind.Replace, 0, 90],
      [FlowKind.Trade, 0, 10],
      [FlowKind.Note, 0, NoteReason.Fill],
      [FlowKind.Reduce, 0, 10],
      [FlowKind.Trade, 0, 3],
      [FlowKind.Cancel, 0, 80],
      [FlowKind.Note, 0, NoteReason.UnknownOrder],
      [FlowKind.Clear, 1, 0],
    ],
  )
  // The aggressor sold, so a buy order rested.
  t.equal(operations[6]?.side, Side.Buy)
  t.same(
    source.instruments.map(({ name }) => name),
    ['ARL', 'XYZ'],
  )
  t.equal(source.liveOrders(0), 0)
  t.equal(source.liveOrders(1), 0)
  t.match(source.counts(), {
    fills: 1,
    unchanged: 1,
    unknownOrders: 1,
    tradesWithoutSide: 1,
    clears: 2,
  })
})

t.test('negative prices of a Databento file need signed prices', async (t) => {
  const files = databento('1,A,B,-37.630000000,100,1,CL', '2,A,A,-0.000000000,60,2,CL')
  await t.rejects(mapped(t, files), { message: /"-37\.630000000" is negative.*--signed-prices/ })
  const { source, operations } = await mapped(t, files, { signedPrices: true, priceScale: 2 })
  t.same(
    operations.map(({ price }) => price),
    [-3763, 0],
  )
  t.same(source.instruments, [{ name: 'CL', priceScale: 2, quantityScale: 0, signedPrices: true }])
})

t.test('two symbols do not share one instrument', async (t) => {
  const files = databento('2,A,B,5.510000000,100,1,ARL', '3,A,A,5.520000000,60,1,XYZ')
  await t.rejects(mapped(t, files, named), {
    code: 'ERR_PINNACLE_FLOW_SEVERAL_SYMBOLS',
    message: /flow\.csv:3: .*ARL and XYZ/,
  })
})

t.test('the reference book keeps time order, and refuses what makes no sense', async (t) => {
  const book = new ReferenceBook()
  book.add(1, Side.Buy, 100, 10)
  book.add(2, Side.Buy, 100, 20)
  book.add(3, Side.Buy, 101, 5)
  t.same(book.depth(Side.Buy), [
    { price: 101, quantity: 5, orders: 1 },
    { price: 100, quantity: 30, orders: 2 },
  ])
  book.reduce(1, 4)
  t.same(
    book.levelOrders(Side.Buy, 100).map(({ id, quantity }) => [id, quantity]),
    [
      [1, 6],
      [2, 20],
    ],
  )
  book.reduce(1, 6)
  t.equal(book.order(1), undefined)
  t.throws(() => book.reduce(1, 1), /unknown/)
  t.throws(() => book.reduce(2, 21), /less open/)
  t.throws(() => book.add(2, Side.Sell, 1, 1), /live already/)
  t.equal(book.orderCount, 2)
})
