/** `pinnacle audit …`: what was done with a data directory, and whether the record of it is whole. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { AuditTrail, verifyTrail, type AuditLine, type AuditReport } from '../audit/index.js'
import { encodeRootKey, readRootKey, type RootKey } from '../audit/head.js'
import { CredentialCode, credentialError, fileError } from '../secure/errors.js'
import { realFiles } from '../secure/file-operations.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import { action } from './action.js'
import { countArgument } from './arguments.js'
import { withStore, withUnlock, type UnlockOptions } from './creds-access.js'
import { directoryOf, withData, type DataOptions } from './data-options.js'
import { ExitCode } from './exit-codes.js'
import type { Output } from './output.js'
import { plural, printable, table } from './text.js'
import { usageError } from './usage-error.js'

interface KeyOptions extends UnlockOptions {
  keyFile?: string
  unlock?: boolean
}

function trailOf(options: DataOptions): AuditTrail {
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
  const root: RootKey | undefined =
    options.keyFile === undefined
      ? await trail.rootKey()
      : await readRootKey(trail.files, options.keyFile)
  if (!root && options.keyFile !== undefined) {
    throw credentialError(CredentialCode.NotFound, `there is no file ${options.keyFile}`)
  }
  return root?.key
}

function withKey(command: Command): Command {
  return withUnlock(command)
    .option(
      '--key-file <file>',
      "the trail's verification key (default: audit.key in the data directory)",
    )
    .option('--unlock', 'take the verification key from the credentials')
}

function row(output: Output, line: AuditLine): string[] {
  const { colors } = output
  const paint =
    line.outcome === 'failed' || line.outcome === 'refused'
      ? colors.red
      : line.outcome === 'warning'
        ? colors.yellow
        : colors.dim
  const detail = Object.entries(line.detail).map(([name, value]) => `${name}=${String(value)}`)
  return [
    String(line.sequence),
    line.time,
    paint(line.outcome),
    line.action,
    printable(line.target),
    `uid ${String(line.actor.uid)} pid ${String(line.actor.pid)} ${printable(line.actor.host)}`,
    printable([line.code, ...detail].filter(Boolean).join(' ')),
  ]
}

/** Says on stderr what a verification found; the exit code that goes with it. */
function conclude(output: Output, report: AuditReport): ExitCode {
  const { colors } = output
  if (report.problem) {
    output.note(
      `${colors.red('tampered')}: line ${String(report.problem.sequence)}: ${report.problem.problem}. ` +
        `${plural(report.lines, 'line')} before it are as written; nothing behind it can be relied on.`,
    )
    return ExitCode.Corrupt
  }
  if (!report.authenticated && report.lines > 0) {
    output.note(
      `${colors.yellow('chain only')}: the authentication codes were not checked, for want of the ` +
        'verification key; give --key-file or --unlock.',
    )
  }
  return ExitCode.Ok
}

async function read(
  output: Output,
  options: KeyOptions,
  onLine: (line: AuditLine) => void,
): Promise<AuditReport> {
  using rootKey = await rootKeyOf(output, options)
  // Awaited here: the key is wiped when this function returns.
  return await verifyTrail(trailOf(options), { rootKey, onLine })
}

export function register(program: Command): void {
  const audit = program
    .command('audit')
    .description('the record of what was done, and whether it is whole')

  withKey(audit.command('show').description('print the trail'))
    .option('--last <n>', 'only the last lines', countArgument)
    .action(
      action<KeyOptions & { last?: number }>(async (output, options) => {
        const lines: AuditLine[] = []
        const report = await read(output, options, (line) => {
          lines.push(line)
          if (options.last !== undefined && lines.length > options.last) lines.shift()
        })
        output.lines(
          table(
            lines.map((line) => row(output, line)),
            'rllllll',
          ),
        )
        output.document({ ...report, lines })
        return conclude(output, report)
      }),
    )

  withKey(
    audit.command('verify').description('find removed, changed, reordered or truncated lines'),
  ).action(
    action<KeyOptions>(async (output, options) => {
      const report = await read(output, options, () => undefined)
      output.document(report)
      const code = conclude(output, report)
      if (code === ExitCode.Ok) output.line(`${plural(report.lines, 'line')}, all as written.`)
      return code
    }),
  )

  withKey(
    audit
      .command('export')
      .description('the lines as JSON, one each, up to the first that is not as written'),
  ).action(
    action<KeyOptions>(async (output, options) => {
      const lines: string[] = []
      const report = await read(output, options, (line) => {
        lines.push(JSON.stringify(line))
      })
      for (const line of lines) await output.raw(line)
      return conclude(output, report)
    }),
  )

  withData(
    audit
      .command('key <file>')
      .description('move the verification key away from the trail, to a safer place'),
  ).action(
    action<DataOptions, [string]>(async (output, options, path) => {
      const trail = trailOf(options)
      using root = await trail.rootKey()
      if (!root) {
        throw credentialError(
          CredentialCode.NotFound,
          `there is no audit.key in ${trail.dataDirectory}; it was moved, or is kept in the credentials`,
        )
      }
      try {
        await realFiles.create(path, encodeRootKey(root.trail, root.key))
      } catch (error) {
        throw fileError(`can't write ${path}`, error)
      }
      await trail.forgetRootKey()
      output.line(`The verification key is in ${path} alone. Keep it off this machine.`)
      output.document({ keyFile: path })
      return undefined
    }),
  )

  withData(
    audit
      .command('restart')
      .description('put a damaged trail aside as evidence and begin a new one'),
  )
    .option('--yes', 'do it')
    .action(
      action<DataOptions & { yes?: boolean }>(async (output, options) => {
        if (!options.yes) throw usageError('this begins a new trail; say --yes if that is meant')
        const trail = trailOf(options)
        const suffix = await trail.restart()
        const aside = join(trail.dataDirectory, `audit${suffix}`)
        output.line(`The old trail is in ${aside}.`)
        output.document({ putAside: aside })
        return undefined
      }),
    )
}
