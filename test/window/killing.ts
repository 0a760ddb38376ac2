/** A killed writer, and its last report. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fork } from '../children.js'
import type { Durability } from '../../lib/index.js'

export interface Said {
  appended: number
  written: number
}

/** A writer that has begun. */
export async function startWriter(
  dataDirectory: string,
  windowDirectory: string,
  durability: Durability,
): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('endless-writer.js', import.meta.url))
  const words = [dataDirectory, windowDirectory, durability, `${dataDirectory}.said`]
  const child = fork(script, words, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the writer ended by itself')
    }),
  ])
  return child
}

/** Runs a writer for this long; `beside` runs before the kill. */
export async function killedWriter(
  dataDirectory: string,
  windowDirectory: string,
  durability: Durability,
  milliseconds: number,
  beside: () => void | Promise<void> = () => undefined,
): Promise<Said> {
  const child = await startWriter(dataDirectory, windowDirectory, durability)
  await delay(milliseconds)
  await beside()
  child.kill('SIGKILL')
  await once(child, 'exit')
  return saidOf(dataDirectory)
}

export function saidOf(dataDirectory: string): Said {
  const bytes = readFileSync(`${dataDirectory}.said`)
  if (bytes.length < 16) return { appended: 0, written: 0 }
  return { appended: bytes.readDoubleLE(0), written: bytes.readDoubleLE(8) }
}
