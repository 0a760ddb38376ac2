import t from 'tap'
import { HistoryArchive } from '../../../lib/market-data/history/history-archive.js'
import { pinnacle } from '../../cli/running.js'
import { product, tickOf } from './ticks.js'

t.setTimeout(60_000)

t.test('history shows candles and ticks, and reports an unknown product', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  archive.append(product, [tickOf(1), tickOf(2)])
  await archive.flush()
  const common = ['--data', directory, '--product', 'BTC-USD']
  const csv = await pinnacle(['history', 'ticks', ...common, '--format', 'csv'])
  t.equal(csv.code, 0, csv.stderr)
  t.equal(
    csv.stdout.split('\n')[1],
    '1,2025-11-24T00:02:52.800000001Z,t1,buy,90071992547409.90,0.00007920',
  )
  const json = await pinnacle(['history', 'candles', ...common, '--interval', '1d', '--json'])
  t.match(JSON.parse(json.stdout), { trades: 2, open: '90071992547409.90', gap: false })
  const table = await pinnacle(['history', 'candles', ...common])
  t.match(table.stdout, /time +open +high +low +close +volume +trades +gap\n/)
  const none = await pinnacle(['history', 'ticks', '--data', directory, '-p', 'NONE'])
  t.equal(none.code, 1)
  t.match(none.stderr, /^ERR_PINNACLE_HISTORY_UNKNOWN_PRODUCT: /)
})
