/**
 * The data key wrapped by an AES-256 key that never leaves a PKCS#11 token (an HSM, or SoftHSM2). The
 * token encrypts and decrypts the 32 bytes itself (CKM_AES_GCM); its key is made on it, sensitive and not
 * extractable. pkcs11js is an optional dependency: if it is missing, using a token is a coded error.
 */
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { KeyEntry, TokenEntry } from './key-entry.js'
import type { KeyContext, KeyProvider } from './key-provider.js'
import type { Pkcs11, Pkcs11Handle, Pkcs11Mechanism, Pkcs11Module } from './pkcs11-module.js'
import { keyBytes } from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'

type Session = Pkcs11Handle
type KeyHandle = Pkcs11Handle

/** Which key of which token. */
export interface TokenOptions {
  /** The token's PKCS#11 library, such as /usr/lib/softhsm/libsofthsm2.so. */
  readonly library: string
  /** Label of the token. */
  readonly token: string
  /** Label of the key on it. */
  readonly keyLabel: string
  /** Make the key if the token has none of this label. */
  readonly createKey?: boolean
}

const gcmNonceBytes = 12
const gcmTagBytes = 16

function refused(message: string, cause?: unknown): Error {
  return credentialError(CredentialCode.Token, message, { cause })
}

function load(): Pkcs11Module {
  try {
    return createRequire(import.meta.url)('pkcs11js') as Pkcs11Module
  } catch (error) {
    throw refused('using a token needs the package pkcs11js; run: npm install pkcs11js', error)
  }
}

const trimmed = (text: string): string => text.replace(/[\0 ]+$/, '')

/**
 * Wraps the data key by an AES-256 key that never leaves a PKCS#11 token. Needs the package pkcs11js;
 * ERR_PINNACLE_TOKEN without it, and if library, token or key refuse.
 */
export class Pkcs11Provider implements KeyProvider {
  /** Tells the providers apart. */
  readonly type = 'pkcs11'
  readonly #module: Pkcs11Module
  readonly #token: Pkcs11
  readonly #session: Session
  readonly #key: KeyHandle
  readonly #identity: { tokenSerial: string; keyLabel: string; keyId: string }
  #closed = false

  private constructor(
    module: Pkcs11Module,
    token: Pkcs11,
    session: Session,
    key: KeyHandle,
    identity: { tokenSerial: string; keyLabel: string; keyId: string },
  ) {
    this.#module = module
    this.#token = token
    this.#session = session
    this.#key = key
    this.#identity = identity
  }

  /**
   * Logs in with the PIN (the caller's, and the caller's to release; pkcs11js takes it as a string, so a
   * copy stays on the heap until it is collected) and finds the key.
   */
  static open(options: TokenOptions, pin: SecretBuffer): Pkcs11Provider {
    const module = load()
    const token = new module.PKCS11()
    try {
      token.load(options.library)
    } catch (error) {
      throw refused(`can't load the PKCS#11 library ${options.library}`, error)
    }
    try {
      token.C_Initialize()
    } catch (error) {
      // Two providers of one process share the library's state.
      if ((error as { code?: unknown }).code !== module.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        throw refused(`the PKCS#11 library ${options.library} can't be initialised`, error)
      }
    }
    try {
      return Pkcs11Provider.#login(module, token, options, pin)
    } catch (error) {
      token.close()
      throw error
    }
  }

  static #login(
    module: Pkcs11Module,
    token: Pkcs11,
    options: TokenOptions,
    pin: SecretBuffer,
  ): Pkcs11Provider {
    const slot = token
      .C_GetSlotList(true)
      .find((candidate) => trimmed(token.C_GetTokenInfo(candidate).label) === options.token)
    if (!slot) throw refused(`there is no token with the label "${options.token}"`)
    const tokenSerial = trimmed(token.C_GetTokenInfo(slot).serialNumber)
    let session: Session
    try {
      session = token.C_OpenSession(slot, module.CKF_SERIAL_SESSION | module.CKF_RW_SESSION)
    } catch (error) {
      throw refused(`the token "${options.token}" can't open a session`, error)
    }
    try {
      token.C_Login(session, module.CKU_USER, Buffer.from(pin.bytes).toString('utf8'))
    } catch (error) {
      if ((error as { code?: unknown }).code !== module.CKR_USER_ALREADY_LOGGED_IN) {
        token.C_CloseSession(session)
        throw credentialError(
          CredentialCode.WrongPassword,
          `the token "${options.token}" refuses the PIN; most tokens lock themselves after a few wrong ones`,
          { cause: error },
        )
      }
    }
    const { key, keyId } = findKey(module, token, session, options)
    return new Pkcs11Provider(module, token, session, key, {
      tokenSerial,
      keyLabel: options.keyLabel,
      keyId,
    })
  }

  matches(entry: KeyEntry): boolean {
    return (
      entry.type === 'pkcs11' &&
      entry.tokenSerial === this.#identity.tokenSerial &&
      entry.keyId === this.#identity.keyId
    )
  }

  #mechanism(nonce: Buffer, context: KeyContext): Pkcs11Mechanism {
    const aad = Buffer.from(`pinnacle-credentials key pkcs11 ${context.store}`)
    return {
      mechanism: this.#module.CKM_AES_GCM,
      parameter: {
        type: this.#module.CK_PARAMS_AES_GCM,
        iv: nonce,
        aad,
        ivBits: nonce.length * 8,
        tagBits: gcmTagBytes * 8,
      },
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
  async wrap(key: SecretBuffer, context: KeyContext): Promise<TokenEntry> {
    const nonce = randomBytes(gcmNonceBytes)
    const room = Buffer.alloc(key.length + gcmTagBytes)
    let sealed: Buffer
    try {
      this.#token.C_EncryptInit(this.#session, this.#mechanism(nonce, context), this.#key)
      sealed = this.#token.C_Encrypt(this.#session, viewOf(key), room)
    } catch (error) {
      throw refused('the token could not wrap the data key; nothing was written', error)
    }
    return { type: this.type, ...this.#identity, wrapped: { nonce, sealed: Buffer.from(sealed) } }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
  async unwrap(entry: KeyEntry, context: KeyContext): Promise<SecretBuffer> {
    using room = SecretBuffer.allocate(keyBytes + gcmTagBytes)
    try {
      const { nonce, sealed } = entry.wrapped
      this.#token.C_DecryptInit(this.#session, this.#mechanism(nonce, context), this.#key)
      const plain = this.#token.C_Decrypt(this.#session, sealed, viewOf(room))
      if (plain.length === keyBytes) return SecretBuffer.take(plain)
    } catch (error) {
      throw credentialError(
        CredentialCode.WrongPassword,
        'the token does not unwrap the data key: another key of the same name, or the entry was altered',
        { cause: error },
      )
    }
    throw refused('the token returned a data key of the wrong length')
  }

  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    this.#token.C_CloseSession(this.#session)
    this.#token.close()
  }
}

function viewOf(secret: SecretBuffer): Buffer {
  const { buffer, byteOffset, byteLength } = secret.bytes
  return Buffer.from(buffer, byteOffset, byteLength)
}

function findKey(
  module: Pkcs11Module,
  token: Pkcs11,
  session: Session,
  options: TokenOptions,
): { key: KeyHandle; keyId: string } {
  const label = Buffer.from(options.keyLabel)
  token.C_FindObjectsInit(session, [
    { type: module.CKA_CLASS, value: module.CKO_SECRET_KEY },
    { type: module.CKA_LABEL, value: label },
  ])
  const found = token.C_FindObjects(session, 2)
  token.C_FindObjectsFinal(session)
  if (found.length > 1)
    throw refused(`the token has several keys with the label "${options.keyLabel}"`)
  const [existing] = found
  if (existing) return { key: existing, keyId: checkKey(module, token, session, existing) }
  if (!options.createKey) {
    throw refused(
      `the token "${options.token}" has no key with the label "${options.keyLabel}"; make it with ` +
        '"pinnacle creds token add --create-key"',
    )
  }
  const id = randomBytes(16)
  const key = token.C_GenerateKey(session, { mechanism: module.CKM_AES_KEY_GEN }, [
    { type: module.CKA_TOKEN, value: true },
    { type: module.CKA_PRIVATE, value: true },
    { type: module.CKA_LABEL, value: label },
    { type: module.CKA_ID, value: id },
    { type: module.CKA_VALUE_LEN, value: keyBytes },
    { type: module.CKA_ENCRYPT, value: true },
    { type: module.CKA_DECRYPT, value: true },
    { type: module.CKA_SENSITIVE, value: true },
    { type: module.CKA_EXTRACTABLE, value: false },
  ])
  return { key, keyId: checkKey(module, token, session, key) }
}

/** The key's id; throws if the token would hand the key out. */
function checkKey(module: Pkcs11Module, token: Pkcs11, session: Session, key: KeyHandle): string {
  const [sensitive, extractable, id] = token.C_GetAttributeValue(session, key, [
    { type: module.CKA_SENSITIVE },
    { type: module.CKA_EXTRACTABLE },
    { type: module.CKA_ID },
  ])
  const isSet = (value: unknown): boolean => Buffer.isBuffer(value) && value[0] === 1
  if (!isSet(sensitive?.value) || isSet(extractable?.value)) {
    throw refused(
      'the key on the token is extractable; make one that is sensitive and not extractable',
    )
  }
  if (!Buffer.isBuffer(id?.value) || id.value.length < 1 || id.value.length > 32) {
    throw refused('the key on the token has no id (CKA_ID) of 1 to 32 bytes')
  }
  return id.value.toString('hex')
}
