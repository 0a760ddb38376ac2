/** The tests' place for windows: a separate directory in memory, removed with the test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Test } from 'tap'

export const needsMemory = process.platform === 'linux' ? false : 'this system has no windows'

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
