// The connection to an exchange against real TLS servers: what is trusted, what is refused, and that a
// refused server never receives a byte of ours.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls, { type TlsOptions } from 'node:tls'
import t, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import { checkPins, pinOf } from '../../../lib/market-data/client/key-pins.js'
import {
  openPinnedSocket,
  trustOf,
  type PinMismatch,
  type PinnedConnectionOptions,
} from '../../../lib/market-data/client/pinned-connection.js'
import { webSocketOver } from '../../../lib/market-data/client/web-socket.js'
import { Authority, selfSigned, type Identity } from '../certificates.js'

interface Server {
  readonly url: string
  /** Bytes of application data, over all connections. */
  received: number
  /** Connections whose TLS handshake completed. */
  handshakes: number
  /** Resolves once this many connections have come and gone. */
  ended(count: number): Promise<void>
}

async function serve(t: Test, identity: Identity, options: TlsOptions = {}): Promise<Server> {
  let gone = 0
  const waiting = new Set<() => void>()
  const listener = tls.createServer({ key: identity.key, cert: identity.cert, ...options })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => listener.close())
  const server: Server = {
    url: `wss://localhost:${String((listener.address() as AddressInfo).port)}/feed`,
    received: 0,
    handshakes: 0,
    async ended(count) {
      while (gone < count) await new Promise<void>((resolve) => waiting.add(resolve))
    },
  }
  listener.on('connection', (socket: Socket) => {
    socket.on('close', () => {
      ++gone
      for (const resolve of waiting) resolve()
    })
  })
  listener.on('secureConnection', (socket) => {
    ++server.handshakes
    socket.on('data', (data: Buffer) => (server.received += data.length))
    socket.on('error', () => undefined)
  })
  listener.on('tlsClientError', () => undefined)
  return server
}

interface Failure {
  code?: string
  message: string
  details?: { host?: string; pinsExpected?: string[]; pinsSeen?: string[] }
  cause?: { code?: string }
}

async function failureOf(options: PinnedConnectionOptions): Promise<Failure> {
  try {
    const socket = await openPinnedSocket(options)
    socket.destroy()
  } catch (error) {
    return error as Failure
  }
  throw new Error('the server was accepted')
}

const otherPin = createHash('sha256').update('another key').digest('base64')
const thirdPin = createHash('sha256').update('a third key').digest('base64')

t.test('a pin is the hash of the public key as it is in the certificate', async (t) => {
  const root = await Authority.root('Root')
  const { cert, pin } = await root.issue()
  const body = /BEGIN CERTIFICATE-----([^-]+)-----END/.exec(cert)?.[1] ?? ''
  const der = Buffer.from(body, 'base64')
  // A P-256 SubjectPublicKeyInfo starts with these bytes and is 91 bytes long.
  const header = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')
  const at = der.indexOf(header)
  t.ok(at > 0)
  t.equal(
    createHash('sha256')
      .update(der.subarray(at, at + 91))
      .digest('base64'),
    pin,
  )
  t.equal(pinOf(cert), pin)
})

t.test('a server is accepted by the pin of its leaf, its authority or its root', async (t) => {
  const root = await Authority.root('Root')
  const between = await root.subordinate('Between')
  const identity = await between.issue()
  const server = await serve(t, identity)
  for (const [name, pins] of Object.entries({
    leaf: [identity.pin],
    'second of two': [otherPin, identity.pin],
    'with the prefix that curl uses': [`sha256//${identity.pin}`],
    'authority in between': [between.pin],
    root: [root.pin],
  })) {
    const socket = await openPinnedSocket({ url: server.url, trust: trustOf(root.cert), pins })
    t.ok(socket.authorized, name)
    t.match(socket.getProtocol(), /^TLSv1\.[23]$/)
    socket.destroy()
  }
  const unpinned = await openPinnedSocket({ url: server.url, trust: trustOf(root.cert) })
  t.ok(unpinned.authorized, 'and without pins by its certificate alone')
  unpinned.destroy()
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a wrong pin ends a ${version} connection before one byte of ours is sent`, async (t) => {
    const root = await Authority.root('Root')
    const identity = await root.issue()
    const server = await serve(t, identity, { minVersion: version, maxVersion: version })
    const reported: PinMismatch[] = []
    const failure = await failureOf({
      url: server.url,
      trust: trustOf(root.cert),
      pins: [otherPin, thirdPin],
      onPinMismatch: (mismatch) => reported.push(mismatch),
    })
    t.equal(failure.code, 'ERR_PINNACLE_FEED_PIN_MISMATCH')
    const expected = {
      host: 'localhost',
      pinsExpected: [otherPin, thirdPin],
      pinsSeen: [identity.pin, root.pin],
    }
    t.same(failure.details, expected)
    t.same(reported, [expected], 'the hook was called')
    await server.ended(1)
    // In TLS 1.3 the client finishes first, so that it may end before the server finishes.
    if (version === 'TLSv1.2') t.equal(server.handshakes, 1, 'the handshake was completed')
    t.equal(server.received, 0, 'nothing was received after it')

    const accepted = await openPinnedSocket({
      url: server.url,
      trust: trustOf(root.cert),
      pins: [root.pin],
    })
    accepted.end('12345')
    await server.ended(2)
    t.equal(server.received, 5, 'and what an accepted connection sends is counted')
  })
}

t.test('a hook that throws does not let a wrong pin through', async (t) => {
  const root = await Authority.root('Root')
  const server = await serve(t, await root.issue())
  const failure = await failureOf({
    url: server.url,
    trust: trustOf(root.cert),
    pins: [otherPin],
    onPinMismatch: () => {
      throw new Error('the trail is full')
    },
  })
  t.equal(failure.code, 'ERR_PINNACLE_FEED_PIN_MISMATCH')
  t.match(failure.cause, { message: 'the trail is full' })
  await server.ended(1)
  t.equal(server.received, 0)
})

t.test('a pinned certificate that was merely sent along does not count', async (t) => {
  // Both authorities have the same name. The second signed the server's leaf; the server also sends the
  // first.
  const pinned = await Authority.root('Twin')
  const other = await Authority.root('Twin')
  const identity = await other.issue()
  for (const [name, cert] of Object.entries({
    'the pinned one first': `${identity.cert}\n${pinned.cert}\n${other.cert}`,
    'the pinned one last': `${identity.cert}\n${other.cert}\n${pinned.cert}`,
  })) {
    const server = await serve(t, { ...identity, cert })
    const failure = await failureOf({
      url: server.url,
      trust: trustOf(other.cert),
      pins: [pinned.pin],
    })
    t.notOk(failure.details?.pinsSeen?.includes(pinned.pin), name)
    t.match(failure.code, /^ERR_PINNACLE_FEED_(PIN_MISMATCH|TLS)$/, name)
    await server.ended(1)
    t.equal(server.received, 0, name)
  }
})

t.test('certificates that do not verify are refused with what to do', async (t) => {
  const root = await Authority.root('Root')
  const stranger = await Authority.root('Stranger')
  const dayMs = 86_400_000
  const past = {
    notBefore: new Date(Date.now() - 3 * dayMs),
    notAfter: new Date(Date.now() - dayMs),
  }
  const future = {
    notBefore: new Date(Date.now() + dayMs),
    notAfter: new Date(Date.now() + 2 * dayMs),
  }
  const cases: [string, Identity, string, RegExp][] = [
    ['expired', await root.issue(past), 'CERT_HAS_EXPIRED', /expired; check this machine's clock/],
    ['of the future', await root.issue(future), 'CERT_NOT_YET_VALID', /clock/],
    [
      'for another host',
      await root.issue({ hosts: ['exchange.example'] }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /for another host/,
    ],
    ['self-signed', await selfSigned(), 'DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed/],
    [
      'of an unknown root',
      await stranger.issue(),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      /issuer of its certificate is not known/,
    ],
  ]
  for (const [name, identity, cause, message] of cases) {
    const server = await serve(t, identity)
    // Its pin is the right one: a pin adds to verification and replaces nothing.
    const failure = await failureOf({
      url: server.url,
      trust: trustOf(root.cert),
      pins: [identity.pin],
    })
    t.equal(failure.code, 'ERR_PINNACLE_FEED_TLS', name)
    t.equal(failure.cause?.code, cause, name)
    t.match(failure.message, message, name)
    await server.ended(1)
    t.equal(server.received, 0, name)
  }
})

t.test('a private root is trusted only if it is given', async (t) => {
  const root = await Authority.root('Root')
  const server = await serve(t, await root.issue())
  const failure = await failureOf({ url: server.url })
  t.equal(failure.code, 'ERR_PINNACLE_FEED_TLS')
})

t.test('NODE_TLS_REJECT_UNAUTHORIZED=0 turns nothing off', async (t) => {
  const server = await serve(t, await selfSigned())
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  // The variable works for a connection that does not request verification itself.
  const trusting = tls.connect({ host: 'localhost', port: Number(new URL(server.url).port) })
  await once(trusting, 'secureConnect')
  t.notOk(trusting.authorized)
  trusting.destroy()
  const failure = await failureOf({ url: server.url })
  t.equal(failure.code, 'ERR_PINNACLE_FEED_TLS')
})

t.test('a server of TLS 1.1 is refused', async (t) => {
  const root = await Authority.root('Root')
  const server = await serve(t, await root.issue(), {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  })
  const port = Number(new URL(server.url).port)
  const old = tls.connect({
    port,
    host: 'localhost',
    ca: root.cert,
    minVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  })
  await once(old, 'secureConnect')
  t.equal(old.getProtocol(), 'TLSv1.1', 'it does speak TLS 1.1 with one that accepts it')
  old.destroy()
  const failure = await failureOf({ url: server.url, trust: trustOf(root.cert) })
  t.equal(failure.code, 'ERR_PINNACLE_FEED_TLS')
  t.match(failure.message, /TLS 1\.2 or 1\.3/)
})

t.test('a URL that is not wss: is refused', async (t) => {
  for (const url of ['ws://localhost/feed', 'http://localhost/', 'https://localhost/']) {
    t.throws(() => openPinnedSocket({ url }), { code: 'ERR_PINNACLE_FEED_INSECURE_URL' }, url)
  }
  for (const url of ['', 'localhost', 'wss://user:secret@localhost/', 'wss://localhost/#part']) {
    t.throws(() => openPinnedSocket({ url }), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' }, url)
  }
  try {
    void openPinnedSocket({ url: 'wss://user:hunter22@localhost/' })
  } catch (error) {
    t.notMatch((error as Error).message, /hunter22/, 'and a password in it is not echoed')
  }
})

t.test('malformed pins are refused', async (t) => {
  for (const pins of [[], ['abc'], [otherPin.slice(1)], [`${otherPin} `], ['sha1/abc'], [5], 'x']) {
    t.throws(() => checkPins(pins as string[]), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  }
})

t.test('a server that is not there, or never answers, is a coded error in time', async (t) => {
  const silent = net.createServer((socket) => socket.resume().on('error', () => undefined))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const url = `wss://localhost:${String(port)}/`
  const slow = await failureOf({ url, connectTimeoutMs: 50 })
  t.equal(slow.code, 'ERR_PINNACLE_FEED_CONNECT')
  t.match(slow.message, /within 50 ms/)

  const given = new AbortController()
  const opening = failureOf({ url, signal: given.signal })
  given.abort()
  t.equal((await opening).code, 'ERR_PINNACLE_FEED_CONNECT')
  t.equal((await failureOf({ url, signal: given.signal })).code, 'ERR_PINNACLE_FEED_CONNECT')

  const closing = net.createServer((socket) => socket.resume().end())
  closing.listen(0, '127.0.0.1')
  await once(closing, 'listening')
  const closed = `wss://localhost:${String((closing.address() as AddressInfo).port)}/`
  t.equal((await failureOf({ url: closed })).code, 'ERR_PINNACLE_FEED_CONNECT')
  closing.close()
  await once(closing, 'close')
  const missing = await failureOf({ url: closed })
  t.equal(missing.code, 'ERR_PINNACLE_FEED_CONNECT')
  t.equal(missing.cause?.code, 'ECONNREFUSED')
})

t.test('a WebSocket speaks over the verified socket and no other', async (t) => {
  const root = await Authority.root('Root')
  const identity = await root.issue()
  const https = createServer({ key: identity.key, cert: identity.cert })
  const server = new WebSocketServer({ server: https })
  server.on('connection', (peer) =>
    peer.on('message', (data: Buffer) => peer.send(`echo ${data.toString()}`)),
  )
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  t.teardown(() => {
    server.close()
    https.close()
  })
  const url = `wss://localhost:${String((https.address() as AddressInfo).port)}/feed`
  const socket = await openPinnedSocket({ url, trust: trustOf(root.cert), pins: [identity.pin] })
  const limits = { maxMessageBytes: 1024, compression: false }
  const client = webSocketOver(socket, url, limits)
  await once(client, 'open')
  client.send('hello')
  const [data] = (await once(client, 'message')) as [Buffer]
  t.equal(data.toString(), 'echo hello')
  t.equal(socket.bytesWritten > 0, true)
  client.terminate()
})
