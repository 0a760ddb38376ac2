/** Whether a writer has the directory open, without the system's locks: the pid in LOCK, if it is alive. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * 0: unknown. A writer empties the file when it closes. The pid of a killed one may now belong to another
 * process, so a pid alone proves no writer.
 */
export function writerOf(dataDirectory: string): number {
  let text: string
  try {
    text = readFileSync(path.join(dataDirectory, 'LOCK'), 'latin1')
  } catch {
    return 0
  }
  const pid = /^\d+$/.test(text.trim()) ? Number(text) : 0
  return pid > 0 && isAlive(pid) ? pid : 0
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
