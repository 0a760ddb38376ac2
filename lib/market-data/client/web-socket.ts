/** The WebSocket over a verified socket. Apart from pinned-connection, so that public types need none of ws. */
import type { TLSSocket } from 'node:tls'
import WebSocket from 'ws'
import { checkFeedUrl } from './pinned-connection.js'

export interface WebSocketLimits {
  readonly maxMessageBytes: number
  /** Whether to offer permessage-deflate. */
  readonly compression: boolean
}

/** A WebSocket, still opening, over a socket from `openPinnedSocket`, which it owns from now on. */
export function webSocketOver(
  socket: TLSSocket,
  url: string | URL,
  limits: WebSocketLimits,
): WebSocket {
  return new WebSocket(checkFeedUrl(url), {
    createConnection: () => socket,
    followRedirects: false, // the new address would be connected to without these checks
    maxPayload: limits.maxMessageBytes,
    perMessageDeflate: limits.compression,
  })
}
