/** The clocks of waits and audit lines. Tests use their own. */
import { readFileSync } from 'node:fs'

/** The clocks that waits and audit lines go by; a test gives its own. */
export interface Clocks {
  /** Milliseconds since 1970. */
  wallMs(): number
  /** Milliseconds since boot. */
  bootMs(): number
  /** Changes with each boot; '' if the system does not provide one. */
  readonly bootId: string
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

export const realClocks: Clocks = {
  wallMs: () => Date.now(),
  bootMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  bootId: readBootId(),
}
