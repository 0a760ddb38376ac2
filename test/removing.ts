import { rmSync } from 'node:fs'

/**
 * Removes a directory in which a writer may be making files: until nothing of it is left. (`maxRetries` does
 * not do that: `rmSync` tries the same `rmdir` again, and what has come since is never removed.)
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
