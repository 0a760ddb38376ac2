/** How a `pinnacle audit` command gets at the trail and its verification key, and says what it found. */
import type { Command } from 'commander'
import { readRootKey } from '../audit/head.js'
import { AuditTrail, verifyTrail, type AuditLine, type AuditReport } from '../audit/index.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import { withStore, withUnlock, type UnlockOptions } from './creds-access.js'
import { directoryOf, type DataOptions } from './data-options.js'
import { ExitCode } from './exit-codes.js'
import type { Output } from './output.js'
import { plural } from './text.js'

export interface KeyOptions extends UnlockOptions {
  keyFile?: string
  unlock?: boolean
}

export function withKey(command: Command): Command {
  return withUnlock(command)
    .option(
      '--key-file <file>',
      "the trail's verification key (default: audit.key in the data directory)",
    )
    .option('--unlock', 'take the verification key from the credentials')
}

export function trailOf(options: DataOptions): AuditTrail {
  return new AuditTrail({ dataDirectory: directoryOf(options) })
}

/** Key 1 of the trail: from a file, from beside the trail, or from the unlocked credentials. */
async function rootKeyOf(output: Output, options: KeyOptions): Promise<SecretBuffer | undefined> {
  const trail = trailOf(options)
  if (options.unlock) {
    const key = await withStore(output, options, (store) => Promise.resolve(store.auditKey()))
    if (key) return key
    throw credentialError(
      CredentialCode.Unknown,
      'the credentials hold no verification key of the trail; give it with --key-file',
    )
  }
  const root =
    options.keyFile === undefined
      ? await trail.rootKey()
      : await readRootKey(trail.files, options.keyFile)
  if (!root && options.keyFile !== undefined) {
    throw credentialError(CredentialCode.NotFound, `there is no file ${options.keyFile}`)
  }
  return root?.key
}

/** Reads and verifies the trail. */
export async function readTrail(
  output: Output,
  options: KeyOptions,
  onLine: (line: AuditLine) => void,
): Promise<AuditReport> {
  using rootKey = await rootKeyOf(output, options)
  // Awaited here: the key is wiped when this function returns.
  return await verifyTrail(trailOf(options), { rootKey, onLine })
}

/** Says on stderr what a verification found; the exit code that goes with it. */
export function conclude(output: Output, report: AuditReport): ExitCode {
  const { colors } = output
  if (report.problem) {
    output.note(
      `${colors.red('tampered')}: line ${String(report.problem.sequence)}: ${report.problem.problem}. ` +
        `${plural(report.lines, 'line')} before it are as written; nothing after it can be relied on.`,
    )
    return ExitCode.Corrupt
  }
  if (!report.authenticated && report.lines > 0) {
    output.note(
      `${colors.yellow('chain only')}: the authentication codes were not checked, for lack of the ` +
        'verification key; give --key-file or --unlock.',
    )
  }
  return ExitCode.Ok
}
