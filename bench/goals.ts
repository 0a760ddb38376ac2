/** The goals of the figures, all within one run: ratios, and a few sizes and rates. */

interface Goal {
  what: string
  /** `atLeast`: higher is better. */
  atLeast: boolean
  limit: number
  unit: string
}

const atLeast = (what: string, limit: number, unit: string): Goal => ({
  what,
  limit,
  unit,
  atLeast: true,
})
const atMost = (what: string, limit: number, unit: string): Goal => ({
  what,
  limit,
  unit,
  atLeast: false,
})

export const goals = {
  appendSingle: atLeast('single append, faster than fs.writeSync', 25, 'x'),
  appendBatch: atLeast('batch append, faster than fs.writeSync', 60, 'x'),
  appendBatchLmdb: atLeast("batch append, faster than lmdb's batched put", 40, 'x'),
  appendBatchSqlite: atLeast('batch append, faster than better-sqlite3, one transaction', 60, 'x'),
  appendBatchLevel: atLeast("batch append, faster than classic-level's batch", 80, 'x'),
  appendLimit: atMost('batch append, against the C++ loop', 1.5, 'x'),
  bookOperations: atLeast('journaled book operations from JavaScript', 8, 'M/s'),
  nativeApply: atLeast('native apply alone', 15, 'M/s'),
  loadP99: atMost('1 M appends/s: p99 less 5 µs, of the empty generator', 1.5, 'x'),
  loadP999: atMost('1 M appends/s: p99.9 less 5 µs, of the empty generator', 1.5, 'x'),
  loadP9999: atMost('1 M appends/s: p99.99 less 5 µs, of the empty generator', 1.5, 'x'),
  snapshotP99: atMost('1 M operations/s, snapshots run: p99 less 5 µs, of the same', 2, 'x'),
  snapshotP999: atMost('1 M operations/s, snapshots run: p99.9 less 5 µs, of the same', 2, 'x'),
  snapshotP9999: atMost('1 M operations/s, snapshots run: p99.99 less 5 µs, of the same', 2, 'x'),
  durableSingle: atMost('one durable append, against pwrite + fdatasync', 1.1, 'x'),
  durableAwaited: atMost('one awaited durable append, against pwrite + fdatasync', 1.25, 'x'),
  durableGroup: atMost('groups of 1000 awaited together, against a plain program', 1.4, 'x'),
  durableGroupBatch: atMost('groups of 1000 in one batch, against a plain program', 1.4, 'x'),
  durableGroupEach: atMost(
    'groups of 1000, each awaited, against a plain program with as many promises',
    1.4,
    'x',
  ),
  durableGroupSqlite: atLeast('groups of 1000 durable, faster than better-sqlite3 FULL', 2, 'x'),
  durableGroupLmdb: atLeast('groups of 1000 durable, faster than lmdb', 2, 'x'),
  durableCallers: atMost('64 callers, against a plain program', 1.1, 'x'),
  transaction: atMost('a transaction, above its operations outside', 10, 'ns'),
  transactionOperation: atMost('an operation in a transaction, above one outside', 5, 'ns'),
  replay: atLeast('replay into books, one core', 10, 'M/s'),
  verify: atLeast('verify, of memory read bandwidth, one core', 60, '%'),
  snapshotWriter: atMost("the writer's p99.9 while a snapshot runs, against without", 1.2, 'x'),
  backupRate: atLeast("a backup's rate, of that of cp -r and sync", 60, '%'),
  backupWriter: atMost("the writer's p99.9 while a backup runs, against without", 1.2, 'x'),
  restore: atMost('restore of 1 M orders', 150, 'ms'),
  residentBytes: atMost('resident memory an order', 120, 'bytes'),
  openLarge: atMost('open of a large journal beside its suffix', 200, 'ms'),
  openLargeRatio: atMost('open of a large journal, against a small one', 1.5, 'x'),
  deviceStreaming: atMost('bytes on the device, streaming, segments recycled', 1.1, 'x'),
  deviceSynced: atMost('bytes on the device, one synced append', 4.5, 'KiB'),
  instruments: atMost('1000 instruments against one, cost an operation', 1.25, 'x'),
  instrumentsSync: atMost('1000 instruments, syncs for all of them', 1, 'sync'),
  feedTickers: atLeast('tickers parsed, the slowest adapter', 300, 'k/s'),
} as const satisfies Record<string, Goal>

export type GoalName = keyof typeof goals

export interface GoalOutcome {
  name: GoalName
  what: string
  goal: string
  measured: number
  met: boolean
  /** What a plain program reaches on this machine, if measured. */
  floor: number | undefined
}

export function outcomesOf(
  measured: Partial<Record<GoalName, number>>,
  floors: Partial<Record<GoalName, number>> = {},
): GoalOutcome[] {
  return Object.entries(measured).map(([name, value]) => {
    const goal: Goal = goals[name as GoalName]
    return {
      name: name as GoalName,
      what: goal.what,
      goal: `${goal.atLeast ? '>=' : '<='} ${String(goal.limit)} ${goal.unit}`,
      measured: value,
      met: goal.atLeast ? value >= goal.limit : value <= goal.limit,
      floor: floors[name as GoalName],
    }
  })
}
