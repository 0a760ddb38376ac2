/** Latencies and frontiers of a writer, for people. */
import type { HistogramSummary, Stats } from '../persistence/stats.js'
import type { Output } from './output.js'
import { bytes, count, nanoseconds, plural, table } from './text.js'

export type LatencyStats = Pick<Stats, 'appendNs' | 'syncNs' | 'syncEntries' | 'syncs'>

export function latencyTable(output: Output, stats: LatencyStats): string[] {
  const { dim } = output.colors
  const row = (name: string, histogram: HistogramSummary): string[] => [
    name,
    nanoseconds(histogram.p50),
    nanoseconds(histogram.p99),
    nanoseconds(histogram.p999),
    nanoseconds(histogram.max),
    dim(count(histogram.count)),
  ]
  const rows = [['latency', 'p50', 'p99', 'p99.9', 'max', 'measured'].map(dim)]
  if (stats.appendNs.count > 0) rows.push(row('append', stats.appendNs))
  if (stats.syncNs.count > 0) rows.push(row('sync', stats.syncNs))
  return table(rows, 'lrrrrr')
}

export function showWriter(output: Output, stats: Stats): void {
  output.field(
    'frontiers',
    `appended ${count(stats.appendedFrontier)}, written ${count(stats.writtenFrontier)}, ` +
      `durable ${count(stats.durableFrontier)}, applied ${count(stats.appliedFrontier)}`,
  )
  output.field(
    'journal',
    `${bytes(stats.journalBytes)} on disk, ${plural(stats.segmentsCreated, 'segment')} created, ` +
      `${count(stats.segmentsRecycled)} recycled, ${count(stats.segmentsRemoved)} removed`,
  )
  output.field(
    'syncs',
    `${count(stats.syncs)}, ${count(stats.syncEntries.mean)} entries each on average`,
  )
  output.field(
    'snapshots',
    `${count(stats.snapshots)} taken, ${plural(stats.compactions, 'compaction')}`,
  )
  output.line()
  for (const line of latencyTable(output, stats)) output.line(`  ${line}`)
}
