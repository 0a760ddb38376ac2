/**
 * Pins of public keys, as in RFC 7469: base64 of SHA-256 over the DER SubjectPublicKeyInfo of a certificate.
 * A pin survives a renewal of the certificate as long as the key is kept.
 */
import { createHash, X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'

const sha256Bytes = 32
/** A chain has three or four certificates; a peer may send any number. */
const maxChainLength = 16

/** The pin of a certificate's key, from PEM, DER or a parsed certificate. */
export function pinOf(certificate: X509Certificate | string | Uint8Array): string {
  const parsed =
    certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate)
  const spki = parsed.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}

/** Normalizes pins for comparison. A prefix `sha256/` or `sha256//` is allowed. */
export function checkPins(pins: readonly string[]): readonly string[] {
  if (!Array.isArray(pins) || pins.length === 0) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      'pins must be a list of at least one pin; leave it out to trust the certificate authorities alone',
    )
  }
  return pins.map((pin: unknown) => {
    const base64 = typeof pin === 'string' ? pin.replace(/^sha256\/\/?/, '') : ''
    const hash = Buffer.from(base64, 'base64')
    if (hash.length === sha256Bytes && hash.toString('base64') === base64) return base64
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `a pin must be the base64 of a SHA-256 hash (44 characters), not ${shown(pin)}`,
    )
  })
}

function isCurrent(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo)
}

/** Whether `issuer` may sign certificates and has signed this one. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate, nowMs: number): boolean {
  return (
    issuer.ca &&
    isCurrent(issuer, nowMs) &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey)
  )
}

/**
 * The pins of the leaf and of every authority above it. Node links a peer's certificates by name, not by
 * signature, and a peer may send any public certificate along. So this verifies each link's signature and
 * ignores everything after the first invalid link.
 */
export function pinsOfChain(peer: PeerCertificate, nowMs = Date.now()): string[] {
  const withIssuer = (from: PeerCertificate): PeerCertificate | undefined =>
    'issuerCertificate' in from
      ? (from.issuerCertificate as PeerCertificate | undefined)
      : undefined
  let certificate = new X509Certificate(peer.raw)
  const pins = [pinOf(certificate)]
  let current = peer
  while (pins.length < maxChainLength) {
    const next = withIssuer(current)
    if (!next || next === current) break // a root is its own issuer
    const issuer = new X509Certificate(next.raw)
    if (!isIssuedBy(certificate, issuer, nowMs)) break
    pins.push(pinOf(issuer))
    certificate = issuer
    current = next
  }
  return pins
}
