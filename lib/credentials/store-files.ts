/** What a credentials store is made of on disk, and the lock that guards it. */
import { join } from 'node:path'
import { absolutePath } from '../config/absolute.js'
import { realClocks, type Clocks } from '../secure/clocks.js'
import { AttemptLimiter } from './attempt-limiter.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { withFileLock } from '../secure/file-lock.js'
import { realFiles, type FileOperations } from '../secure/file-operations.js'
import { SecureFiles } from '../secure/secure-files.js'

const credentialsFile = 'secure_config.json'
const attemptsFile = 'secure_config.attempts.json'
const lockFile = 'secure_config.lock'
/** So that a backup, which holds the file in base64, stays within what is read. */
const maxCredentialsBytes = 4 * 1024 * 1024
const defaultLockTimeoutMs = 10_000

/** Where the credentials are. */
export interface StoreFilesOptions {
  /** Directory of the credentials, which only its owner may enter or change. */
  readonly dataDirectory: string
  /** Milliseconds to wait for another process that holds the lock. Default: 10,000. */
  readonly lockTimeoutMs?: number
  /** What the store does with files; for tests. */
  readonly files?: FileOperations
  /** The clocks that it goes by; for tests. */
  readonly clocks?: Clocks
}

export class StoreFiles {
  readonly directory: string
  readonly path: string
  readonly files: SecureFiles
  readonly limiter: AttemptLimiter
  readonly clocks: Clocks
  readonly #lockTimeoutMs: number

  constructor(options: StoreFilesOptions) {
    this.directory = absolutePath(options.dataDirectory)
    this.path = join(this.directory, credentialsFile)
    this.files = new SecureFiles(options.files ?? realFiles)
    this.clocks = options.clocks ?? realClocks
    this.limiter = new AttemptLimiter(this.files, join(this.directory, attemptsFile), this.clocks)
    this.#lockTimeoutMs = options.lockTimeoutMs ?? defaultLockTimeoutMs
  }

  now(): string {
    return new Date(this.clocks.wallMs()).toISOString()
  }

  /** Checks the directory, takes the lock, clears what a crash left, does the work. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    await this.files.checkDirectory(this.directory)
    return withFileLock(join(this.directory, lockFile), this.#lockTimeoutMs, async () => {
      await this.files.removeLeftovers(this.path)
      return work()
    })
  }

  async read(): Promise<Buffer> {
    const bytes = await this.files.read(this.path, maxCredentialsBytes)
    if (bytes) return bytes
    throw credentialError(
      CredentialCode.NotFound,
      `there are no credentials in ${this.directory}; make them with "pinnacle creds init"`,
    )
  }

  async write(bytes: Buffer): Promise<void> {
    if (bytes.length > maxCredentialsBytes) {
      throw credentialError(
        CredentialCode.Invalid,
        `the credentials would take ${String(bytes.length)} bytes, more than ` +
          `${String(maxCredentialsBytes)}; remove some or keep less history`,
      )
    }
    await this.files.replace(this.path, bytes)
  }
}
