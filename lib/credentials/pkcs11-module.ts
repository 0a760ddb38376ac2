/**
 * What this package uses of pkcs11js, declared here: the package is an optional dependency, and its own
 * declarations are not there if it was left out or could not be built. Types only, and only what
 * pkcs11-provider.ts calls.
 */

/** Of a slot, a session or an object on the token. */
export type Pkcs11Handle = Buffer

export interface Pkcs11Attribute {
  readonly type: number
  readonly value?: number | boolean | Buffer
}

export interface Pkcs11Mechanism {
  readonly mechanism: number
  readonly parameter?: {
    readonly type: number
    readonly iv: Buffer
    readonly aad: Buffer
    readonly ivBits: number
    readonly tagBits: number
  }
}

/** A loaded PKCS#11 library. */
export interface Pkcs11 {
  load(library: string): void
  close(): void
  C_Initialize(): void
  C_GetSlotList(tokenPresent: boolean): Pkcs11Handle[]
  C_GetTokenInfo(slot: Pkcs11Handle): { readonly label: string; readonly serialNumber: string }
  C_OpenSession(slot: Pkcs11Handle, flags: number): Pkcs11Handle
  C_CloseSession(session: Pkcs11Handle): void
  C_Login(session: Pkcs11Handle, userType: number, pin: string): void
  C_FindObjectsInit(session: Pkcs11Handle, template: readonly Pkcs11Attribute[]): void
  C_FindObjects(session: Pkcs11Handle, maxObjectCount: number): Pkcs11Handle[]
  C_FindObjectsFinal(session: Pkcs11Handle): void
  C_GetAttributeValue(
    session: Pkcs11Handle,
    object: Pkcs11Handle,
    template: readonly Pkcs11Attribute[],
  ): { readonly type: number; readonly value: unknown }[]
  C_GenerateKey(
    session: Pkcs11Handle,
    mechanism: Pkcs11Mechanism,
    template: readonly Pkcs11Attribute[],
  ): Pkcs11Handle
  C_EncryptInit(session: Pkcs11Handle, mechanism: Pkcs11Mechanism, key: Pkcs11Handle): void
  C_Encrypt(session: Pkcs11Handle, plain: Buffer, room: Buffer): Buffer
  C_DecryptInit(session: Pkcs11Handle, mechanism: Pkcs11Mechanism, key: Pkcs11Handle): void
  C_Decrypt(session: Pkcs11Handle, sealed: Buffer, room: Buffer): Buffer
}

type Constant =
  | 'CKA_CLASS'
  | 'CKA_DECRYPT'
  | 'CKA_ENCRYPT'
  | 'CKA_EXTRACTABLE'
  | 'CKA_ID'
  | 'CKA_LABEL'
  | 'CKA_PRIVATE'
  | 'CKA_SENSITIVE'
  | 'CKA_TOKEN'
  | 'CKA_VALUE_LEN'
  | 'CKF_RW_SESSION'
  | 'CKF_SERIAL_SESSION'
  | 'CKM_AES_GCM'
  | 'CKM_AES_KEY_GEN'
  | 'CKO_SECRET_KEY'
  | 'CKR_CRYPTOKI_ALREADY_INITIALIZED'
  | 'CKR_USER_ALREADY_LOGGED_IN'
  | 'CKU_USER'
  | 'CK_PARAMS_AES_GCM'

export type Pkcs11Module = Readonly<Record<Constant, number>> & {
  readonly PKCS11: new () => Pkcs11
}
