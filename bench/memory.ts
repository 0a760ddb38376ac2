import { readFileSync } from 'node:fs'

/** Resident anonymous memory of this process, bytes; undefined if the system does not say. */
export function anonymousResidentBytes(): number | undefined {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return match ? Number(match[1]) * 1024 : undefined
  } catch {
    return undefined
  }
}
