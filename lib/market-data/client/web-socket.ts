/** The WebSocket over a verified socket. Separate from pinned-connection, so that public types need no ws. */
import type { TLSSocket } from 'node:tls'
import WebSocket from 'ws'
import { checkFeedUrl } from './pinned-connection.js'

export interface WebSocketLimits {
  readonly maxMessageBytes: number
  /** Whether to offer permessage-deflate. */
  readonly compression: boolean
}

/** A WebSocket, still opening, over a socket from `openPinnedSocket`, which it now owns. */
export function webSocketOver(
  socket: TLSSocket,
  url: string | URL,
  limits: WebSocketLimits,
): WebSocket {
  return new WebSocket(checkFeedUrl(url), {
    createConnection: () => socket,
    followRedirects: false, // the new address would skip these checks
    maxPayload: limits.maxMessageBytes,
    perMessageDeflate: limits.compression,
  })
}
