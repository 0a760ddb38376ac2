/**
 * Calls to the user's listeners. A listener that throws has a bug of its own: the exception is an uncaught one of
 * the process, as from any EventEmitter, but on a turn of its own. What raised the event goes on, and so do the
 * other listeners.
 */
import { nextTick } from 'node:process'

export function callListener<Args extends readonly unknown[]>(
  listener: ((...args: Args) => void) | undefined,
  ...args: Args
): void {
  try {
    listener?.(...args)
  } catch (error) {
    nextTick(() => {
      throw error
    })
  }
}
