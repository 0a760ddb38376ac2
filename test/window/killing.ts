/** A writer that is killed, and what it had said. */
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

/** Runs a writer for so long; `beside` runs before it is killed. */
export async function killedWriter(
  dataDirectory: string,
  windowDirectory: string,
  durability: Durability,
  milliseconds: number,
  beside: () => void | Promise<void> = () => undefined,
): Promise<Said> {
  const said = `${dataDirectory}.said`
  const script = fileURLToPath(new URL('endless-writer.js', import.meta.url))
  const child = fork(script, [dataDirectory, windowDirectory, durability, said])
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the writer ended by itself')
    }),
  ])
  await delay(milliseconds)
  await beside()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const bytes = readFileSync(said)
  if (bytes.length < 16) return { appended: 0, written: 0 }
  return { appended: bytes.readDoubleLE(0), written: bytes.readDoubleLE(8) }
}
