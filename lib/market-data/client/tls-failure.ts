/** Explains a failed TLS handshake to the client's operator. */

interface FailureWithCode extends Error {
  readonly code?: unknown
}

/** By OpenSSL's name of the verification error, as Node reports it. */
const advice: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    "its certificate, or one above it, has expired; check this machine's clock, then the exchange's status page",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; check this machine's clock",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is self-signed; for a server of your own give its certificate as ca',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate leads to a root that is not trusted here; somebody may be in between. For a private ' +
    'root that you trust, give it as ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the root of its certificate is not known here; for a private root that you trust, give it as ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the issuer of its certificate is not known here, or the server leaves out a certificate in between; ' +
    'for a private root that you trust, give it as ca',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host; check the address, and whether a proxy is in between',
  CERT_REVOKED: 'its certificate was revoked; do not connect',
}

const certificateErrors =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT|ERROR_IN_CRL|INVALID_(CA|PURPOSE)$)/
const handshakeErrors = /^(ERR_SSL_|ERR_TLS_|EPROTO$|HOSTNAME_MISMATCH$|PATH_LENGTH_EXCEEDED$)/

function codeOf(cause: FailureWithCode): string {
  return typeof cause.code === 'string' ? cause.code : ''
}

/** Whether TLS failed, as opposed to the network below it. */
export function isTlsFailure(cause: Error): boolean {
  const code = codeOf(cause)
  return Object.hasOwn(advice, code) || certificateErrors.test(code) || handshakeErrors.test(code)
}

export function describeTlsFailure(host: string, cause: Error): string {
  const code = codeOf(cause)
  const known = Object.hasOwn(advice, code) ? advice[code] : undefined
  if (known !== undefined) return `the server ${host} was not trusted: ${known} (${code})`
  if (certificateErrors.test(code)) {
    return `the server ${host} was not trusted: its certificate does not verify: ${cause.message} (${code})`
  }
  return (
    `no TLS with ${host}: ${cause.message}; the server must speak TLS 1.2 or 1.3 at this port` +
    (code === '' ? '' : ` (${code})`)
  )
}
