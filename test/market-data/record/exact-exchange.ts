/** A TLS WebSocket server that sends exactly the given frames, after the first request. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { Authority } from '../certificates.js'

export interface ExactExchange {
  readonly url: string
  readonly ca: string
  readonly pin: string
  /** Messages of the clients. */
  readonly received: readonly string[]
  close(): Promise<void>
}

/** `settleMs`: time between the first request and the first frame. */
export async function startExactExchange(
  frames: readonly string[],
  { settleMs = 100 }: { settleMs?: number } = {},
): Promise<ExactExchange> {
  const root = await Authority.root('Exact exchange root')
  const identity = await root.issue()
  const https = createServer({ key: identity.key, cert: identity.cert })
  const server = new WebSocketServer({ server: https })
  const received: string[] = []
  const timers = new Set<NodeJS.Timeout>()
  server.on('connection', (socket) => {
    let asked = false
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer) => {
      received.push(data.toString())
      if (asked) return
      asked = true
      // All of the client's requests come first.
      const timer = setTimeout(() => {
        for (const frame of frames) socket.send(frame)
      }, settleMs)
      timers.add(timer)
    })
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  const { port } = https.address() as AddressInfo
  return {
    url: `wss://localhost:${String(port)}/`,
    ca: root.cert,
    pin: identity.pin,
    received,
    async close() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of server.clients) socket.terminate()
      server.close()
      https.closeAllConnections()
      await new Promise((resolve) => https.close(resolve))
    },
  }
}
