/**
 * A clock that allocates nothing per reading: once the surrounding loop is compiled, the array of
 * process.hrtime() stays in registers. performance.now() would allocate a number each time and cause a
 * garbage collection every few milliseconds. ns since this module was loaded.
 */
const hrtime = process.hrtime
const baseSeconds = hrtime()[0]

export function clockNs(): number {
  const time = hrtime()
  return (time[0] - baseSeconds) * 1e9 + time[1]
}

/** The cost of one reading, ns: the median of the differences between two consecutive ones. */
export function clockCostNs(): number {
  const differences = new Float64Array(20_000)
  for (let i = 0; i < differences.length; i++) {
    const before = clockNs()
    differences[i] = clockNs() - before
  }
  return differences.sort()[differences.length / 2] ?? Number.NaN
}
