/** Codes that the credentials and the audit trail share. docs/security.md says what each means. */
import {
  isPinnacleError,
  PinnacleError,
  type CodedError,
  type ErrorOptionsWithDetails,
} from '../errors/pinnacle-error.js'

/** Codes of the errors of credentials and audit trail. */
export const CredentialCode = {
  /** The file can't be what was written: truncated, edited, of another kind, a checksum or MAC is wrong. */
  Corrupt: 'ERR_PINNACLE_CREDENTIALS_CORRUPT',
  /** Written by a newer version. */
  NewerVersion: 'ERR_PINNACLE_NEWER_VERSION',
  /** A seed-format file is read only; upgrade it to change it. */
  OldVersion: 'ERR_PINNACLE_CREDENTIALS_OLD_VERSION',
  /** Parameters of a key derivation are below the floor or above the ceiling. */
  Parameters: 'ERR_PINNACLE_CREDENTIALS_PARAMETERS',
  /** The password, token PIN or private key is not the right one, or the key entry was altered. */
  WrongPassword: 'ERR_PINNACLE_WRONG_PASSWORD',
  /** The file holds no entry that the given key provider could open. */
  NoKey: 'ERR_PINNACLE_CREDENTIALS_NO_KEY',
  /** Too many unlocks failed: `details.retryAfterMs` and `details.release` say when the next is possible. */
  LockedOut: 'ERR_PINNACLE_LOCKED_OUT',
  /** The directory holds no credentials, or there is no such backup. */
  NotFound: 'ERR_PINNACLE_CREDENTIALS_NOT_FOUND',
  /** The directory holds credentials already. */
  Exists: 'ERR_PINNACLE_CREDENTIALS_EXIST',
  /** No credential, field or kept version has this name. */
  Unknown: 'ERR_PINNACLE_UNKNOWN_CREDENTIAL',
  /** A credential of this name exists. */
  Duplicate: 'ERR_PINNACLE_DUPLICATE_CREDENTIAL',
  /** A name, key or secret was refused; it is never echoed. */
  Invalid: 'ERR_PINNACLE_INVALID_CREDENTIAL',
  /** A new master password is too short, too long or too easy to guess. */
  WeakPassword: 'ERR_PINNACLE_WEAK_PASSWORD',
  /** The source gives no password: no terminal, an unset variable, an empty or too long line. */
  PasswordSource: 'ERR_PINNACLE_PASSWORD_SOURCE',
  /** The prompt was ended by Ctrl-C. */
  Interrupted: 'ERR_PINNACLE_INTERRUPTED',
  /** A looser mode, a foreign owner, a symbolic or hard link. */
  Unsafe: 'ERR_PINNACLE_UNSAFE_FILE',
  /** The data key changed under an open store: unlock again. */
  Stale: 'ERR_PINNACLE_CREDENTIALS_STALE',
  /** The file is older than one that this directory has seen. */
  RolledBack: 'ERR_PINNACLE_CREDENTIALS_ROLLED_BACK',
  /** A backup or restore would overwrite something newer or foreign. */
  WouldOverwrite: 'ERR_PINNACLE_WOULD_OVERWRITE',
  /** A secret was used after its callback. */
  SecretReleased: 'ERR_PINNACLE_SECRET_RELEASED',
  /** The store was closed. */
  Closed: 'ERR_PINNACLE_CLOSED',
  /** Another process has held the lock for longer than `lockTimeoutMs`. */
  Locked: 'ERR_PINNACLE_LOCKED',
  /** A PKCS#11 module, token or key is missing or refused. */
  Token: 'ERR_PINNACLE_TOKEN',
  /** A cryptographic primitive failed; nothing was written. */
  Crypto: 'ERR_PINNACLE_CRYPTO',
  /** The audit trail can't take a line; what it should have recorded was not done. */
  AuditUnavailable: 'ERR_PINNACLE_AUDIT_UNAVAILABLE',
  /** The audit trail is not what was written. */
  AuditTampered: 'ERR_PINNACLE_AUDIT_TAMPERED',
} as const
/** One of these codes. */
export type CredentialCode = (typeof CredentialCode)[keyof typeof CredentialCode]

export function credentialError(
  code: CredentialCode,
  message: string,
  options?: ErrorOptionsWithDetails,
): PinnacleError {
  return new PinnacleError(code, message, options)
}

/** The code of whatever was thrown, for an audit line. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'ERR_PINNACLE_UNEXPECTED'
}

const codesOfErrno: Readonly<Record<string, string>> = {
  ENOENT: 'ERR_PINNACLE_NOT_FOUND',
  ENOTDIR: 'ERR_PINNACLE_NOT_A_DIRECTORY',
  EEXIST: 'ERR_PINNACLE_ALREADY_EXISTS',
  EACCES: 'ERR_PINNACLE_PERMISSION',
  EPERM: 'ERR_PINNACLE_PERMISSION',
  EROFS: 'ERR_PINNACLE_READ_ONLY',
  ENOSPC: 'ERR_PINNACLE_NO_SPACE',
  EDQUOT: 'ERR_PINNACLE_NO_SPACE',
  EMFILE: 'ERR_PINNACLE_TOO_MANY_FILES',
  ENFILE: 'ERR_PINNACLE_TOO_MANY_FILES',
}

/** A system error of Node's fs with the project's code; `what` says what was tried. */
export function fileError(what: string, cause: unknown): CodedError {
  if (isPinnacleError(cause)) return cause
  const { code, errno, message } = cause as { code?: unknown; errno?: unknown; message?: unknown }
  const known = typeof code === 'string' ? codesOfErrno[code] : undefined
  return new PinnacleError(known ?? 'ERR_PINNACLE_IO', `${what}: ${String(message)}`, {
    cause,
    ...(typeof errno === 'number' ? { errno: Math.abs(errno) } : {}),
  })
}
