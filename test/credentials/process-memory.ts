/** Searches another process's memory for bytes (Linux). Needs the right to trace it: root, or its parent. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const chunkBytes = 4 * 1024 * 1024

export interface Search {
  /** Number of matches per pattern. */
  readonly found: number[]
  readonly bytesRead: number
}

export function searchMemory(pid: number, patterns: readonly Buffer[]): Search {
  const maps = readFileSync(`/proc/${String(pid)}/maps`, 'latin1').split('\n')
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r')
  const found = patterns.map(() => 0)
  const overlap = Math.max(...patterns.map((pattern) => pattern.length))
  const room = Buffer.alloc(chunkBytes + overlap)
  let bytesRead = 0
  try {
    for (const line of maps) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line)
      if (!match || line.includes('[vvar') || line.includes('[vsyscall]')) continue
      const end = parseInt(match[2]!, 16)
      for (let at = parseInt(match[1]!, 16); at < end; at += chunkBytes) {
        const wanted = Math.min(end - at, chunkBytes + overlap)
        let got = 0
        try {
          got = readSync(memory, room, 0, wanted, at)
        } catch {
          continue // unreadable pages (guards, reserved cages)
        }
        bytesRead += got
        for (const [index, pattern] of patterns.entries()) {
          const view = room.subarray(0, got)
          for (let hit = view.indexOf(pattern); hit >= 0; hit = view.indexOf(pattern, hit + 1)) {
            if (hit < chunkBytes) found[index] = (found[index] ?? 0) + 1
          }
        }
      }
    }
  } finally {
    closeSync(memory)
  }
  return { found, bytesRead }
}
