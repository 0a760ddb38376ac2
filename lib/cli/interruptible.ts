/** Work of several phases with a bar on stderr, that Ctrl-C ends in order. */
import type { RecoveryProgress } from '../persistence/events.js'
import { onInterrupt } from './action.js'
import type { ExitCode } from './exit-codes.js'
import type { Output } from './output.js'
import { progressBar } from './progress-bar.js'

export interface Control {
  signal: AbortSignal
  onProgress: (progress: RecoveryProgress) => void
}

/** The result of the work, or the exit code if a signal ended it. */
export async function interruptible<Result extends object>(
  output: Output,
  label: string,
  work: (control: Control) => Promise<Result>,
): Promise<{ result: Result } | { exitCode: ExitCode }> {
  const interrupt = onInterrupt()
  const bar = progressBar(output, label)
  try {
    const result = await work({
      signal: interrupt.signal,
      onProgress: ({ phase, done, total }) => {
        bar.update(done, total, phase)
      },
    })
    return { result }
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason) {
      return { exitCode: interrupt.exitCode }
    }
    throw error
  } finally {
    bar.stop()
    interrupt.stop()
  }
}
