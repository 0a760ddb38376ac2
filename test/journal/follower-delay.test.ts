// The delay until a follower in another process sees an appended entry.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Journal } from '../../lib/index.js'
import { node } from '../children.js'

const script = fileURLToPath(new URL('./distant-follower.js', import.meta.url))
const entries = 40

for (const spin of [false, true]) {
  t.test(`a follower ${spin ? 'that spins' : 'with pauses'} sees entries soon`, async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    await using journal = await Journal.open({ dataDirectory })
    const words = [script, dataDirectory, String(entries), ...(spin ? ['spin'] : [])]
    const child = spawn(...node(...words), { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ended = once(child, 'close')
    while (!said.startsWith('ready')) await sleep(5)
    for (let left = entries; left > 0; left--) {
      await sleep(11)
      const payload = Buffer.alloc(8)
      payload.writeBigUInt64BE(process.hrtime.bigint())
      journal.append(1, payload)
    }
    await ended
    const medianMs = Number(said.split('\n')[1])
    // About 0.6 ms and 0.05 ms on an idle machine; 20 ms and more with polling in ever longer pauses only.
    t.ok(medianMs > 0 && medianMs < 10, `half of them within ${String(medianMs)} ms`)
    t.comment(`${String(medianMs)} ms`)
  })
}
