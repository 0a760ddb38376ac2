/**
 * How hard a new master password is to guess (zxcvbn). The estimator works on strings, so a password that
 * is being *created* is a JavaScript string for the length of this call; an unlock never makes one.
 */
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'

const minPasswordBytes = 12
export const maxPasswordBytes = 1024
/** 0 .. 4; 3 is "safely unguessable against an offline attack on a slow hash", 10^8 guesses and more. */
const minScore = 3

let estimator: ZxcvbnFactory | undefined

/** Loaded when asked for: its dictionaries are megabytes, and an unlock needs none of them. */
async function theEstimator(): Promise<ZxcvbnFactory> {
  if (estimator) return estimator
  const [core, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  estimator = new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  })
  return estimator
}

/** How hard a password is to guess. */
export interface Strength {
  /** 0 to 4; a new master password needs 3. */
  readonly score: number
  /** What would make it better; never a part of the password. */
  readonly advice: string
}

/**
 * Estimates it (zxcvbn, of the first 128 bytes). The password is a JavaScript string for the length of the
 * call.
 */
export async function strengthOf(password: SecretBuffer): Promise<Strength> {
  const known = await theEstimator()
  // Beyond 128 characters the estimate takes long and no longer matters.
  const text = Buffer.from(password.bytes.subarray(0, 128)).toString('utf8')
  const { score, feedback } = known.check(text)
  const advice = [feedback.warning, ...feedback.suggestions].filter(Boolean).join(' ')
  return { score, advice }
}

/**
 * Rejects with ERR_PINNACLE_WEAK_PASSWORD if a new master password has less than 12 or more than 1,024 bytes,
 * or a score below 3.
 */
export async function checkNewPassword(password: SecretBuffer): Promise<void> {
  if (password.length < minPasswordBytes || password.length > maxPasswordBytes) {
    throw credentialError(
      CredentialCode.WeakPassword,
      `a master password must be ${String(minPasswordBytes)} to ${String(maxPasswordBytes)} bytes long; ` +
        'four or five random words do well',
    )
  }
  const { score, advice } = await strengthOf(password)
  if (score < minScore) {
    throw credentialError(
      CredentialCode.WeakPassword,
      `the master password is too easy to guess (strength ${String(score)} of 4, at least ` +
        `${String(minScore)} is needed). ${advice}`.trim(),
    )
  }
}
