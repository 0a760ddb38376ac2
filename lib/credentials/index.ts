export {
  auditPersistence,
  AuditTrail,
  noAudit,
  type AuditAction,
  type AuditDetail,
  type AuditEvent,
  type AuditOutcome,
  type AuditSink,
  type AuditTrailOptions,
} from '../audit/index.js'
export { freeFailures, lockOutAfter, waitMsAfter } from './attempt-limiter.js'
export { readBackup, restoreBackup, type RestoreOptions } from './backup-files.js'
export type { Backup } from './backup.js'
export type { Clocks } from '../secure/clocks.js'
export { CredentialCode } from '../secure/errors.js'
export type { FileFacts, FileOperations } from '../secure/file-operations.js'
export {
  kdfDefaults,
  kdfNames,
  type Argon2Parameters,
  type KdfName,
  type KdfParameters,
  type Pbkdf2Parameters,
  type ScryptParameters,
} from './kdf.js'
export type { KeyEntry, KeyType, PasswordEntry, RecipientEntry, TokenEntry } from './key-entry.js'
export { unwrapKey, wrapKey, type KeyContext, type KeyProvider } from './key-provider.js'
export { PasswordProvider } from './password-provider.js'
export {
  passwordVariable,
  readPassword,
  type DescriptorSource,
  type EnvironmentSource,
  type FileSource,
  type PasswordSource,
  type ReadPasswordOptions,
  type TerminalSource,
} from './password-source.js'
export { Pkcs11Provider, type TokenOptions } from './pkcs11-provider.js'
export { cipherNames, type CipherName, type Sealed } from '../secure/primitives.js'
export {
  createRecipientKey,
  formatPublicKey,
  openRecipientKey,
  parsePublicKey,
  type NewRecipientKey,
} from './recipient-key-file.js'
export { fingerprintOf, RecipientProvider } from './recipient.js'
export { allowUnlockedSecretMemory, SecretBuffer } from '../secure/secret-buffer.js'
export type { CredentialSummary } from './reading.js'
export { Secret } from './secret.js'
export { encodeSeed } from './seed-format.js'
export { checkNewPassword, strengthOf, type Strength } from './strength.js'
export { CredentialStore, type CreateOptions, type StoreOptions } from './store.js'
export { fieldsFromJson, type SecretFields } from './validation.js'
export { kindNames, type CredentialKind } from './vault.js'
