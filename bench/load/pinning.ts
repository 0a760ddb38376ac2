/**
 * Pins the measuring thread to the first core and every other thread of the process to the others, as the
 * operations page advises for a hot thread. Linux with `taskset` (util-linux) and at least two cores.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import os from 'node:os'

export interface Pinning {
  /** For the engine's own threads. */
  backgroundCpus: number[]
  /** What was done, or why nothing was. */
  note: string
}

/** Pins the existing threads; threads that they start later share their cores. */
export function pinHotThread(): Pinning {
  const cores = os.availableParallelism()
  if (process.platform !== 'linux' || cores < 2) {
    return { backgroundCpus: [], note: 'no thread is pinned: that takes Linux and two cores' }
  }
  const hot = String(process.pid)
  const others = cores === 2 ? '1' : `1-${String(cores - 1)}`
  for (const thread of readdirSync('/proc/self/task')) {
    const { status, error } = spawnSync('taskset', ['-cp', thread === hot ? '0' : others, thread])
    // A thread may have ended meanwhile; the measuring one has not.
    if (error ?? (status !== 0 && thread === hot)) {
      return { backgroundCpus: [], note: 'no thread is pinned: taskset could not do it' }
    }
  }
  return {
    backgroundCpus: Array.from({ length: cores - 1 }, (_, index) => index + 1),
    note: `the measuring thread has core 0, all others core ${others}`,
  }
}
