/** Reports which of its open files lie in the given directory, and waits to be released. */
import { readdirSync, readlinkSync } from 'node:fs'

const [, , directory = ''] = process.argv
const inherited: string[] = []
try {
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${descriptor}`)
      if (target.startsWith(directory)) inherited.push(target)
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
} catch {
  // This system has no /proc; the free lock proves the same.
}
process.send?.(inherited)
process.once('disconnect', () => process.exit(0))
