/** Where the tests keep windows: a directory of their own in memory, which goes with the test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Test } from 'tap'

export const needsMemory = process.platform === 'linux' ? false : 'there are no windows here'

export function memoryDirectory(t: Test): string {
  const directory = mkdtempSync('/dev/shm/pinnacle-test-')
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

export function windowsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.window'))
}
