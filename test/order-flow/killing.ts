/** Kills flow writers with SIGKILL at random points of the flow until one reaches its end. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { fork } from '../children.js'
import type { FlowWriterJob } from './flow-writer.js'
import { drawn } from '../seed.js'

const writer = fileURLToPath(new URL('./flow-writer.js', import.meta.url))

export interface Killed {
  kills: number
  /** Event counts in the last report of each killed writer. */
  points: number[]
}

/** `events`: approximate number of the source's events. The points are random each time. */
export async function killAndResume(
  job: Omit<FlowWriterJob, 'fastUntil'>,
  events: number,
  kills: number,
): Promise<Killed> {
  const points = Array.from({ length: kills }, () => Math.floor(drawn(events * 0.98)))
  points.sort((left, right) => left - right)
  const seen: number[] = []
  let killed = 0
  for (const point of [...points, Infinity]) {
    // Fast up to a little before the point, slow from there, so that the kill lands near it.
    const fastUntil = point === Infinity ? Infinity : Math.max(0, point - 3 * job.portion)
    const child = fork(
      writer,
      [JSON.stringify({ ...job, fastUntil: Math.min(fastUntil, 2 ** 50) })],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    )
    const said = { last: 0, complete: false }
    child.on('message', (message: { events?: number; complete?: boolean }) => {
      said.last = message.events ?? said.last
      said.complete ||= message.complete === true
      if (said.last >= point) child.kill('SIGKILL')
    })
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    if (signal === 'SIGKILL') {
      killed++
      seen.push(said.last)
      continue
    }
    if (code !== 0 || !said.complete)
      throw new Error(`a writer ended with ${String(code ?? signal)}`)
    if (point === Infinity) break
  }
  return { kills: killed, points: seen }
}
