/** A state machine's state at a past sequence: the newest snapshot before it that has one, and the journal from there. */
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { StateMachine } from '../entry/state-machine.js'
import type { NativeBinding } from '../native/binding.js'
import { StateMachineHost } from '../engine/state-machine-host.js'

interface Source {
  readonly binding: NativeBinding
  readonly dataDirectory: string
}

/** Brings `machine`, which is newly made, to the state right after `sequence`, and returns it. */
export async function stateAt<Machine extends StateMachine>(
  source: Source,
  sequence: number,
  machine: Machine,
): Promise<Machine> {
  // It says whether the point is covered, and lies between two transactions.
  const books = await source.binding.booksAt(source.dataDirectory, { sequence })
  books.close()
  const host = new StateMachineHost(machine)
  const base = await restoreBelow(source, sequence, host)
  if (base === sequence) return machine
  try {
    await host.replay(source, base + 1, sequence, () => undefined)
  } catch (error) {
    if (base > 0 || (error as { code?: string }).code !== 'ERR_PINNACLE_OUT_OF_REACH') throw error
    throw new PinnacleError(
      'ERR_PINNACLE_OUT_OF_REACH',
      `the state at ${String(sequence)} can't be built: no snapshot up to there has a state, and the journal no ` +
        'longer holds its first entries',
      { cause: error, details: { sequence } },
    )
  }
  return machine
}

/** Restores from the newest snapshot at or before `sequence` that verifies and has a state; 0: there is none. */
async function restoreBelow(
  { binding, dataDirectory }: Source,
  sequence: number,
  host: StateMachineHost,
): Promise<number> {
  const snapshots = binding
    .listSnapshots(dataDirectory)
    .filter((snapshot) => snapshot.sequence <= sequence)
    .sort((left, right) => right.sequence - left.sequence)
  for (const { path, sequence: base } of snapshots) {
    let state: Uint8Array | null
    try {
      const loaded = await binding.loadSnapshot(path)
      loaded.books.close()
      state = loaded.state
    } catch {
      continue // damaged, or just rotated away: an older one does as well
    }
    if (!state) continue
    host.restore(state, base)
    return base
  }
  return 0
}
