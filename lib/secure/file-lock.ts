/** One writer at a time, among processes: waits for the lock up to a limit. */
import { setTimeout as delay } from 'node:timers/promises'
import { CredentialCode, codeOf, credentialError } from './errors.js'
import { coded, secrets } from './native.js'

const pollMs = 20

/** Runs `work` while holding the lock on `path`. */
export async function withFileLock<T>(
  path: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await acquire(path, timeoutMs)
  try {
    return await work()
  } finally {
    secrets().unlock(lock)
  }
}

async function acquire(path: string, timeoutMs: number): Promise<object> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return coded(() => secrets().lock(path))
    } catch (error) {
      if (codeOf(error) !== CredentialCode.Locked) throw error
      if (performance.now() >= deadline) {
        throw credentialError(
          CredentialCode.Locked,
          `another process has held ${path} for ${String(timeoutMs)} ms; retry when it is done`,
          { cause: error },
        )
      }
    }
    await delay(pollMs)
  }
}
