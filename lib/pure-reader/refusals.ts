/** Errors of the second reader. Damage is a verdict; unreadable files are an error with a code. */
import { PinnacleError } from '../errors/pinnacle-error.js'

/** The newest version of segments, head records and snapshots that this reader supports. */
const newestVersion = 2

/** Mandatory features of segments and snapshots that this reader supports. */
export const transactionsFeature = 1n
export const signedPricesFeature = 4n
export const knownFeatures = transactionsFeature | signedPricesFeature

/**
 * Refuses a file that only a newer version can read. `known` are the mandatory features that such a file may
 * have. The caller has verified its checksum.
 */
export function refuseNewer(
  name: string,
  version: number,
  mandatoryFeatures: bigint,
  known = knownFeatures,
): void {
  if (version > newestVersion) {
    throw new PinnacleError(
      'ERR_PINNACLE_NEWER_VERSION',
      `${name} has format version ${String(version)}, this reader knows versions up to ` +
        `${String(newestVersion)}; verify it with a newer pinnacle-persistence`,
    )
  }
  if ((mandatoryFeatures & ~known) !== 0n) {
    throw new PinnacleError(
      'ERR_PINNACLE_UNKNOWN_FEATURE',
      `${name} needs a feature that this reader does not have (mandatory bits ` +
        `${String(mandatoryFeatures)}); verify it with a newer pinnacle-persistence`,
    )
  }
}

/** A file vanished or changed during the read, as happens beside a running writer: look again. */
export class MovedError extends Error {}

const codes: Readonly<Record<string, string>> = {
  ENOENT: 'ERR_PINNACLE_NOT_FOUND',
  ENOTDIR: 'ERR_PINNACLE_NOT_A_DIRECTORY',
  EACCES: 'ERR_PINNACLE_PERMISSION',
  EPERM: 'ERR_PINNACLE_PERMISSION',
  EMFILE: 'ERR_PINNACLE_TOO_MANY_FILES',
  ENFILE: 'ERR_PINNACLE_TOO_MANY_FILES',
}

/** The system's failure to read `file`, with a code. */
export function readError(file: string, cause: unknown): PinnacleError {
  const { code = '', errno, message } = cause as NodeJS.ErrnoException
  return new PinnacleError(
    codes[code] ?? 'ERR_PINNACLE_IO',
    `cannot read ${file}: ${message}; check the path, its permissions and the device`,
    errno === undefined ? { cause } : { cause, errno: Math.abs(errno) },
  )
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
