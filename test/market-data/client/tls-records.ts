/** Between client and server: forwards bytes, and keeps the TLS records that the client sent. */
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'

export interface TlsRecord {
  /** 20 change cipher spec, 21 alert, 22 handshake, 23 application data (in TLS 1.3: anything encrypted). */
  readonly type: number
  readonly bytes: number
}

export interface RecordTap {
  readonly port: number
  /** By connection, in order. */
  readonly records: readonly (readonly TlsRecord[])[]
  close(): Promise<void>
}

const headerBytes = 5

function recordsOf(stream: Buffer): TlsRecord[] {
  const records: TlsRecord[] = []
  for (let at = 0; at + headerBytes <= stream.length;) {
    const bytes = stream.readUInt16BE(at + 3)
    records.push({ type: stream.readUInt8(at), bytes })
    at += headerBytes + bytes
  }
  return records
}

export async function tapTls(port: number): Promise<RecordTap> {
  const streams: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = net.createServer((client) => {
    const index = streams.push(Buffer.alloc(0)) - 1
    const upstream = net.connect(port, '127.0.0.1')
    client.on('data', (data: Buffer) => {
      streams[index] = Buffer.concat([streams[index]!, data])
      upstream.write(data)
    })
    upstream.on('data', (data: Buffer) => client.write(data))
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get records() {
      return streams.map(recordsOf)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
