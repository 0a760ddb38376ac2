/** Certificate authorities and certificates, made in the test that uses them. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { pinOf } from '../../lib/market-data/client/key-pins.js'

x509.cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000
const serials = { next: 1 }

/** What a TLS server needs, and what a client may pin. */
export interface Identity {
  /** PEM, PKCS #8. */
  readonly key: string
  /** PEM: the leaf, then the authorities between it and the root. */
  readonly cert: string
  readonly pin: string
}

export interface LeafOptions {
  /** Names in the certificate. Default: `localhost` and 127.0.0.1. */
  readonly hosts?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

interface KeyAndCertificate {
  readonly keys: webcrypto.CryptoKeyPair
  readonly certificate: x509.X509Certificate
}

function nextSerial(): string {
  return (serials.next++).toString(16).padStart(8, '0')
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function altNames(hosts: readonly string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map((value) => ({
      type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const),
      value,
    })),
  )
}

/** A root, or an authority below one. */
export class Authority {
  readonly #own: KeyAndCertificate
  /** PEM of the authorities below the root down to this one, as a server sends them. */
  readonly #chain: string

  private constructor(own: KeyAndCertificate, chain: string) {
    this.#own = own
    this.#chain = chain
  }

  static async root(name: string): Promise<Authority> {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: nextSerial(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - dayMs),
      notAfter: new Date(Date.now() + 365 * dayMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    })
    return new Authority({ keys, certificate }, '')
  }

  /** PEM of this authority's certificate. */
  get cert(): string {
    return this.#own.certificate.toString('pem')
  }

  get pin(): string {
    return pinOf(this.cert)
  }

  async subordinate(name: string): Promise<Authority> {
    const keys = await newKeys()
    const certificate = await this.#sign(`CN=${name}`, keys.publicKey, {}, [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ])
    return new Authority({ keys, certificate }, `${certificate.toString('pem')}\n${this.#chain}`)
  }

  async issue(options: LeafOptions = {}): Promise<Identity> {
    const keys = await newKeys()
    const certificate = await this.#sign('CN=exchange', keys.publicKey, options, [
      altNames(options.hosts ?? ['localhost', '127.0.0.1']),
    ])
    const leaf = certificate.toString('pem')
    return {
      key: await pemOfKey(keys.privateKey),
      cert: `${leaf}\n${this.#chain}`,
      pin: pinOf(leaf),
    }
  }

  #sign(
    subject: string,
    publicKey: webcrypto.CryptoKey,
    { notBefore, notAfter }: LeafOptions,
    extensions: x509.Extension[],
  ): Promise<x509.X509Certificate> {
    return x509.X509CertificateGenerator.create({
      serialNumber: nextSerial(),
      subject,
      issuer: this.#own.certificate.subject,
      publicKey,
      signingKey: this.#own.keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: notBefore ?? new Date(Date.now() - dayMs),
      notAfter: notAfter ?? new Date(Date.now() + 30 * dayMs),
      extensions,
    })
  }
}

export async function selfSigned(): Promise<Identity> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: 'CN=localhost',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
    extensions: [altNames(['localhost', '127.0.0.1'])],
  })
  const cert = certificate.toString('pem')
  return { key: await pemOfKey(keys.privateKey), cert, pin: pinOf(cert) }
}
