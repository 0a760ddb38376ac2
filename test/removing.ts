import { rmSync } from 'node:fs'

/**
 * Removes a directory in which a writer may be making files: repeats until nothing is left. (`maxRetries`
 * does not do that: `rmSync` retries the same `rmdir`, and never removes files created since.)
 */
export function removeLive(directory: string): void {
  for (let tries = 0; ; tries++) {
    try {
      rmSync(directory, { recursive: true, force: true })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || tries > 1000) throw error
    }
  }
}
