import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import fc from 'fast-check'
import { detectFormat } from '../../lib/order-flow/detect-format.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { readLines, type Line } from '../../lib/order-flow/line-reader.js'

async function linesOf(path: string): Promise<Line[]> {
  const all: Line[] = []
  for await (const lines of readLines(path)) all.push(...lines)
  return all
}

t.test('lines come out whole and numbered, wherever the chunks end', async (t) => {
  const directory = t.testdir()
  const path = join(directory, 'lines.csv')
  const text = fc.array(
    fc.string({ maxLength: 40 }).map((line) => line.replace(/[^\x20-\x7e]/g, 'x')),
    {
      maxLength: 50,
    },
  )
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (lines, end, last) => {
        writeFileSync(path, lines.join(end) + (last ? end : ''))
        const expected = lines
          .map((line, index) => ({ number: index + 1, text: line }))
          .filter((line) => line.text !== '')
        assert.deepEqual(await linesOf(path), expected)
      },
    ),
    { numRuns: 60 },
  )
  // Longer than a chunk of 256 KiB.
  const many = Array.from(
    { length: 40_000 },
    (_, index) => `line ${String(index)} ${'.'.repeat(index % 17)}`,
  )
  writeFileSync(path, many.join('\n'))
  t.same(
    (await linesOf(path)).map((line) => line.text),
    many,
  )
})

t.test('a file without line ends is refused before it fills the memory', async (t) => {
  const directory = t.testdir({ 'blob.csv': '7'.repeat(600_000) })
  await t.rejects(linesOf(join(directory, 'blob.csv')), {
    code: 'ERR_PINNACLE_FLOW_BROKEN_LINE',
    message: /longer than/,
  })
})

t.test(
  'the first line shows the format, and an unknown one is named with what was found',
  async (t) => {
    const directory = t.testdir({
      lobster: '34200.01399412,3,16085616,100,310400,-1\n',
      databento: 'ts_event,action,side,price,size,order_id,symbol\n',
      other: 'hello\u001b[31m,world\n',
      empty: '\n\n',
    })
    t.equal(await detectFormat(join(directory, 'lobster')), 'lobster')
    t.equal(await detectFormat(join(directory, 'databento')), 'databento')
    await t.rejects(detectFormat(join(directory, 'other')), {
      code: 'ERR_PINNACLE_FLOW_UNKNOWN_FORMAT',
      message: /hello·\[31m,world/,
    })
    await t.rejects(detectFormat(join(directory, 'empty')), { code: 'ERR_PINNACLE_FLOW_EMPTY' })
    await t.rejects(detectFormat(join(directory, 'absent')), {
      code: 'ERR_PINNACLE_FLOW_UNREADABLE',
      message: /absent/,
    })
    await t.rejects(detectFormat(directory), { code: 'ERR_PINNACLE_FLOW_UNREADABLE' })
  },
)

t.test('a LOBSTER file takes its instrument from its name or asks for it', async (t) => {
  const line = '34200.01399412,1,1,100,310400,-1\n'
  const directory = t.testdir({
    'AMZN_2012-06-21_34200000_57600000_message_1.csv': line,
    'message.csv': line,
  })
  const named = await openFlowFile(
    join(directory, 'AMZN_2012-06-21_34200000_57600000_message_1.csv'),
  )
  t.same(named.instruments, [{ name: 'AMZN', priceScale: 4, quantityScale: 0 }])
  await t.rejects(openFlowFile(join(directory, 'message.csv')), {
    code: 'ERR_PINNACLE_FLOW_NO_INSTRUMENT',
    message: /--instrument/,
  })
})

t.test('sources differ in their key if their operations could differ', async (t) => {
  const directory = t.testdir({
    'a.csv': '34200.0,1,1,100,310400,-1\n',
    'b.csv': '34200.0,1,1,200,310400,-1\n',
    'book.csv': '310400,100,309500,300\n',
  })
  const a = join(directory, 'a.csv')
  const keys = new Set<string>()
  for (const source of [
    await openFlowFile(a, { instrument: 'X' }),
    await openFlowFile(a, { instrument: 'Y' }),
    await openFlowFile(a, { instrument: 'X', openingBook: join(directory, 'book.csv') }),
    await openFlowFile(join(directory, 'b.csv'), { instrument: 'X' }),
  ]) {
    keys.add(source.key)
  }
  t.equal(keys.size, 4)
  t.equal(
    (await openFlowFile(a, { instrument: 'X' })).key,
    (await openFlowFile(a, { instrument: 'X' })).key,
  )
})
