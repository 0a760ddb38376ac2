/**
 * Signs authenticated subscriptions the way each exchange requires. A signer reads the credential for the
 * time of one signature and keeps nothing of it: the secret key stays in secret memory (and, while OpenSSL
 * signs, in a key object that OpenSSL clears when it is freed) and never becomes a JavaScript string. Key
 * names and Coinbase Exchange's passphrase do, for they are sent in the message.
 */
import { createPrivateKey, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { Secret } from '../../credentials/secret.js'
import type { CredentialStore } from '../../credentials/store.js'
import { hmac } from '../../secure/primitives.js'
import { decodeBase64 } from '../../credentials/private-key-check.js'
import type { SubscriptionSigner } from '../feed-adapter.js'
import { FeedCode, feedError } from './errors.js'

/** Which credential signs. */
export interface SignerOptions {
  /** An unlocked store. */
  readonly credentials: Pick<CredentialStore, 'withSecret'>
  /** The credential's name in the store. */
  readonly name: string
  /** Milliseconds since the Unix epoch; the exchanges accept some seconds of deviation. */
  readonly nowMs?: () => number
}

/** Lifetime of a token, as Coinbase documents it. */
const tokenLifetimeSeconds = 120

function textOf(secret: Secret, field: string): string {
  const bytes = secret.bytes(field)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function base64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The P-256 key in PEM. OpenSSL's error for a bad one reveals no byte of it. */
function ecKeyOf(secret: Secret): KeyObject {
  const pem = secret.bytes('privateKey')
  let key: KeyObject
  try {
    key = createPrivateKey({
      key: Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength),
      format: 'pem',
    })
  } catch (cause) {
    throw feedError(
      FeedCode.Signing,
      `the private key of the credential "${secret.name}" is not an EC key in PEM; Coinbase Advanced Trade takes ` +
        'keys of the type ECDSA only (Ed25519 keys are for other services): make one there and rotate',
      { cause },
    )
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw feedError(
    FeedCode.Signing,
    `the private key of the credential "${secret.name}" is not on the curve P-256, which ES256 needs`,
  )
}

function tokenOf(secret: Secret, nowMs: number): string {
  const keyName = textOf(secret, 'name')
  const nowSeconds = Math.floor(nowMs / 1000)
  const header = { alg: 'ES256', kid: keyName, nonce: randomBytes(16).toString('hex'), typ: 'JWT' }
  const claims = {
    iss: 'cdp',
    nbf: nowSeconds,
    exp: nowSeconds + tokenLifetimeSeconds,
    sub: keyName,
  }
  const signed = `${base64Url(header)}.${base64Url(claims)}`
  const signature = sign('sha256', Buffer.from(signed), {
    key: ecKeyOf(secret),
    dsaEncoding: 'ieee-p1363',
  })
  return `${signed}.${signature.toString('base64url')}`
}

/**
 * Coinbase Advanced Trade: `jwt`, a token of two minutes signed with ES256. The credential has the fields
 * `name` and `privateKey` (kind `coinbase-cdp`).
 */
export function advancedTradeSigner(options: SignerOptions): SubscriptionSigner {
  const { credentials, name, nowMs = Date.now } = options
  return () => credentials.withSecret(name, (secret) => ({ jwt: tokenOf(secret, nowMs()) }))
}

/** The signed text of a subscription, as Coinbase Exchange documents it. */
const signedRequest = 'GET/users/self/verify'

/**
 * Coinbase Exchange: `key`, `passphrase`, `timestamp` and `signature`, an HMAC-SHA-256. The credential has
 * the fields `key`, `secret` (base64) and `passphrase` (kind `coinbase-legacy`).
 */
export function exchangeSigner(options: SignerOptions): SubscriptionSigner {
  const { credentials, name, nowMs = Date.now } = options
  return () =>
    credentials.withSecret(name, (secret) => {
      using key = decodeBase64(secret.bytes('secret'))
      if (!key) {
        throw feedError(
          FeedCode.Signing,
          `the secret of the credential "${name}" is not base64; copy it from Coinbase Exchange again`,
        )
      }
      const timestamp = String(Math.floor(nowMs() / 1000))
      return {
        key: textOf(secret, 'key'),
        passphrase: textOf(secret, 'passphrase'),
        timestamp,
        signature: hmac(key, Buffer.from(timestamp + signedRequest)).toString('base64'),
      }
    })
}
