import { readFileSync } from 'node:fs'

/** Anonymous memory of this process that is resident, bytes; undefined where the system does not tell. */
export function anonymousResidentBytes(): number | undefined {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return match ? Number(match[1]) * 1024 : undefined
  } catch {
    return undefined
  }
}
