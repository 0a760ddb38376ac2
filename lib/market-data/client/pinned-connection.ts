/**
 * The only way from here to an exchange: TLS that always verifies the certificate, and compares its key with
 * the configured pins, before it writes a single byte (even the HTTP upgrade).
 *
 * Invariants: no plain ws: or http:; no option, environment variable (NODE_TLS_REJECT_UNAUTHORIZED) or
 * private root turns verification off; each connection is a full handshake, never a resumed session, so that
 * there are certificates to check; a returned socket has passed all checks.
 */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import { PinnacleTypeError, type CodedError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import { FeedCode, feedError } from './errors.js'
import { checkPins, pinsOfChain } from './key-pins.js'
import { describeTlsFailure, isTlsFailure } from './tls-failure.js'

/** Describes a key that matched no pin. */
export interface PinMismatch {
  /** The server. */
  readonly host: string
  /** The configured pins. */
  readonly pinsExpected: readonly string[]
  /** The leaf's first, then those of the authorities above it. */
  readonly pinsSeen: readonly string[]
}

/** The protocol spoken over the socket. */
export type SecureScheme = 'wss:' | 'https:'

export interface PinnedConnectionOptions {
  /** Must have `scheme`. */
  readonly url: string | URL
  /** Default: `wss:`. */
  readonly scheme?: SecureScheme
  /** Base64 of SHA-256 over SubjectPublicKeyInfo; one match in the chain suffices. */
  readonly pins?: readonly string[]
  /** The result of `trustOf`. Default: the usual roots alone. */
  readonly trust?: SecureContext
  /** Bounds name resolution, connection and handshake together. */
  readonly connectTimeoutMs?: number
  readonly onPinMismatch?: (mismatch: PinMismatch) => void
  readonly signal?: AbortSignal
}

const defaultConnectTimeoutMs = 10_000
const minVersion = 'TLSv1.2'

/** Checks a URL: absolute, of the scheme, without user name or fragment. */
export function checkFeedUrl(url: string | URL, scheme: SecureScheme = 'wss:'): URL {
  const parsed = URL.canParse(String(url)) ? new URL(String(url)) : undefined
  const what = scheme === 'wss:' ? 'feed' : 'book'
  if (!parsed) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `the ${what}'s URL must be absolute, such as ${scheme}//example.com/${what}, not ${shown(url)}`,
    )
  }
  if (parsed.protocol !== scheme) {
    throw feedError(
      FeedCode.InsecureUrl,
      `a ${what} is read over ${scheme} only, and ${parsed.protocol}//${parsed.host} is not; use the ` +
        `exchange's ${scheme} address (for a server of your own, make a certificate and give its root as ca)`,
      { details: { protocol: parsed.protocol, host: parsed.host } },
    )
  }
  if (parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `the ${what}'s URL must have no user name, password or fragment; credentials belong in the store`,
    )
  }
  return parsed
}

function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

/** Certificates in PEM. */
export type Roots = string | Buffer | readonly (string | Buffer)[]

/**
 * Trust in the given roots besides the usual ones. From Node 22.15 the usual ones include those of
 * NODE_EXTRA_CA_CERTS. It takes tens of milliseconds, so it is made once and not per connection.
 */
export function trustOf(roots: Roots): SecureContext {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  const usual = getCACertificates ? getCACertificates('default') : tls.rootCertificates
  const given = typeof roots === 'string' || Buffer.isBuffer(roots) ? [roots] : roots
  try {
    for (const root of given) new X509Certificate(root) // anything else would be ignored silently
    return tls.createSecureContext({ ca: [...usual, ...given], minVersion })
  } catch (cause) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `ca must be certificates in PEM: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

/** A verified socket to the URL's host; nothing was written to it yet. */
export function openPinnedSocket(options: PinnedConnectionOptions): Promise<TLSSocket> {
  const url = checkFeedUrl(options.url, options.scheme)
  const pinsExpected = options.pins === undefined ? undefined : checkPins(options.pins)
  const host = hostOf(url)
  const timeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(options.trust === undefined ? { minVersion } : { secureContext: options.trust }),
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    })
    const timer = setTimeout(() => {
      fail(
        feedError(
          FeedCode.Connect,
          `no TLS connection to ${url.host} within ${String(timeoutMs)} ms; check the network, a firewall, ` +
            "the exchange's status page",
          { details: { host: url.host, timeoutMs } },
        ),
      )
    }, timeoutMs)
    const abort = (): void => {
      fail(feedError(FeedCode.Connect, `connecting to ${url.host} was given up by the caller`))
    }
    const settle = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
      socket.removeListener('secureConnect', onSecure)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
    }
    const fail = (error: CodedError): void => {
      settle()
      socket.on('error', () => undefined) // errors caused by destroying it
      socket.destroy()
      reject(error)
    }
    const onError = (cause: Error): void => {
      fail(connectError(url.host, cause))
    }
    const onClose = (): void => {
      fail(connectError(url.host, new Error('the server closed the connection in the handshake')))
    }
    const onSecure = (): void => {
      const refusal = refusalOf(socket, host, pinsExpected, options.onPinMismatch)
      if (refusal) {
        fail(refusal)
        return
      }
      settle()
      socket.setNoDelay(true)
      resolve(socket)
    }
    socket.once('secureConnect', onSecure)
    socket.on('error', onError)
    socket.once('close', onClose)
    if (options.signal?.aborted) abort()
    else options.signal?.addEventListener('abort', abort)
  })
}

function connectError(host: string, cause: Error): CodedError {
  if (isTlsFailure(cause)) {
    return feedError(FeedCode.Tls, describeTlsFailure(host, cause), { cause, details: { host } })
  }
  return feedError(
    FeedCode.Connect,
    `no connection to ${host}: ${cause.message}; check the network and the exchange's status page`,
    { cause, details: { host } },
  )
}

function refusalOf(
  socket: TLSSocket,
  host: string,
  pinsExpected: readonly string[] | undefined,
  report: PinnedConnectionOptions['onPinMismatch'],
): CodedError | undefined {
  // tls.connect destroys an unauthorized socket by itself; this check holds if its defaults change.
  if (!socket.authorized) return connectError(host, socket.authorizationError)
  if (!pinsExpected) return undefined
  const pinsSeen = pinsOfChain(socket.getPeerCertificate(true))
  if (pinsSeen.some((pin) => pinsExpected.includes(pin))) return undefined
  const mismatch: PinMismatch = { host, pinsExpected, pinsSeen }
  let cause: unknown
  try {
    report?.(mismatch)
  } catch (error) {
    cause = error // the connection is refused all the same
  }
  return feedError(
    FeedCode.PinMismatch,
    `the certificate of ${host} verifies, but none of its keys is pinned; nothing was sent. Either the ` +
      'exchange has changed its key (compare it from another network, then pin the new one as well) or ' +
      `somebody is in between. Seen: ${pinsSeen.join(', ')}`,
    { details: { ...mismatch }, cause },
  )
}
