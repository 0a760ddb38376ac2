/**
 * Opens and closes a data directory `count` times and reports to its parent what the process holds after each
 * cycle. Run with --expose-gc.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { flow, open } from '../persistence/setup.js'

declare const gc: () => void

export interface Held {
  descriptors: number
  threads: number
  mappings: number
  residentKiB: number
}

function held(directory: string): Held {
  gc()
  let descriptors = 0
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      readlinkSync(`/proc/self/fd/${descriptor}`)
      ++descriptors
    } catch {
      // The descriptor of the listing itself.
    }
  }
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n')
  return {
    descriptors,
    threads: readdirSync('/proc/self/task').length,
    mappings: maps.filter((line) => line.includes(directory)).length,
    residentKiB: Number(/VmRSS:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
  }
}

const [, , directory = '', count = ''] = process.argv
const all: Held[] = []
for (let cycle = 0; cycle < Number(count); cycle++) {
  const manager = await open(directory, { durability: 'interval', keepSnapshots: 2 })
  flow(manager, 200, cycle + 1)
  void manager.durable()
  if (cycle % 5 === 0) await manager.snapshot()
  await manager.close()
  await new Promise((resolve) => setImmediate(resolve))
  all.push(held(directory))
}
process.send?.(all)
process.disconnect()
