// The tests that were left out and why, for the summary of test.mjs. On a machine that is meant to have
// everything (.ci/run sets PINNACLE_WHOLE_MACHINE=1: root on Linux, with the market data) a test that was
// left out counts as failed, unless it is for other systems.

const forOtherSystems = ['Linux binds them', 'the superuser may do everything']

const reasons = []

/** Notes the reason if this line of output says that a test was left out. */
export function noteSkip(line) {
  const match = /# SKIP (.+)$/.exec(line) ?? /MESSAGE: skipped: (.+)$/.exec(line)
  if (match) reasons.push(match[1].trim())
}

/** Prints the reasons, each with its count. Returns how many count as failed. */
export function reportSkips(print) {
  print(`${reasons.length} skipped`)
  for (const reason of new Set(reasons)) {
    print(`  ${reasons.filter((other) => other === reason).length}: ${reason}`)
  }
  if (process.env.PINNACLE_WHOLE_MACHINE !== '1') return 0
  const missing = reasons.filter((reason) => !forOtherSystems.includes(reason))
  for (const reason of missing) print(`not ok: this machine is meant to have it: ${reason}`)
  return missing.length
}
