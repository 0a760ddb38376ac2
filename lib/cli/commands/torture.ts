/**
 * `pinnacle torture`: real processes, killed, stopped, starved of space and, as root, without power, for
 * as long as one likes, and every recovery judged. For one's own hardware, before trusting the library.
 */
import { randomInt } from 'node:crypto'
import { Option, type Command } from 'commander'
import { recheck } from '../../torture/evidence.js'
import { fileSystemTypes, type FileSystemType } from '../../torture/loop-file-system.js'
import { availableSpaceKind, spaceKinds, type SpaceKind } from '../../torture/space.js'
import { faults, torture, type Fault } from '../../torture/torture.js'
import { action, onInterrupt } from '../action.js'
import { countArgument, integerArgument, listArgument, numberArgument } from '../arguments.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { count, milliseconds, plural } from '../text.js'
import { progressText, resultLines, violationLines } from '../torture-text.js'
import { usageError } from '../usage-error.js'

const help = `
Kills writer processes, stops and continues them, and fills their disk, while followers read their
journals. A second reader without native code, the engine, and books in plain maps judge every recovery:
nothing promised may be missing, and nothing may be there that was never written. It also damages copies
of recovered directories, repairs them by each policy, and judges the repairs.

--power-cut (as root, on Linux): data directories on ext4 and xfs in image files, whose file system is
stopped at once in the middle of the load, unmounted, mounted again and recovered. Needs xfs_io, mkfs.ext4
and mkfs.xfs (packages xfsprogs and e2fsprogs).

The directory must be empty or missing; it is emptied at the end, except for the evidence of violations.
Exit code 0: no violation. 5: one or more. docs/torture.md says what this shows, and what it can't.

Examples:
  $ pinnacle torture ./torture --minutes 10
  $ pinnacle torture /mnt/nvme/torture --only kill,stop --writers 4 --seed 7
  $ sudo pinnacle torture ./torture --only power --cycles 200
  $ pinnacle torture --recheck ./torture/violations/1`

interface TortureCommandOptions {
  minutes: number
  cycles?: number
  seed?: number
  writers: number
  only?: string[]
  powerCut?: boolean
  fileSystems?: string[]
  fullBy?: SpaceKind
  violations: number
  recheck?: string
}

export function register(program: Command): void {
  program
    .command('torture')
    .description('kill, stop, starve and cut the power of real writers; judge every recovery')
    .argument('[directory]', 'working directory: empty or missing, on the disk under test')
    .option('--minutes <n>', 'how long', numberArgument, 1)
    .option('--cycles <n>', 'stop after this many cycles, if they come first', countArgument)
    .option('--seed <n>', 'what is drawn (default: another one each time, shown)', integerArgument)
    .option('--writers <n>', 'writers side by side', countArgument, 2)
    .option('--only <faults>', `some of ${faults.join(', ')}`, listArgument)
    .option('--power-cut', 'cut the power of loop-mounted file systems too (root)')
    .option(
      '--file-systems <types>',
      `for power cuts: some of ${fileSystemTypes.join(', ')}`,
      listArgument,
    )
    .addOption(
      new Option(
        '--full-by <means>',
        'how a disk gets full: a small tmpfs (root), a limit set on the running writer, or one that it ' +
          'starts with (default: the first that works here)',
      ).choices(spaceKinds),
    )
    .option('--violations <n>', 'stop after this many violations', countArgument, 10)
    .option('--recheck <directory>', 'judge the evidence of a violation again')
    .addHelpText('after', help)
    .action(action<TortureCommandOptions, [string | undefined]>(run))
}

async function run(
  output: Output,
  options: TortureCommandOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  if (options.recheck !== undefined) {
    if (directory !== undefined) throw usageError('--recheck takes its directory alone')
    return judgeAgain(output, options.recheck)
  }
  if (directory === undefined) throw usageError('name a directory that is empty or missing')
  const seed = options.seed ?? randomInt(2 ** 32)
  const only = faultsOf(options)
  const fileSystems = chosen<FileSystemType>(options.fileSystems, fileSystemTypes, '--file-systems')
  const interrupt = onInterrupt()
  const bar = progressBar(output, 'torture')
  output.heading(
    `Pinnacle torture: ${only.join(', ')}; ${plural(options.writers, 'writer')}, seed ${String(seed)}`,
  )
  try {
    const result = await torture({
      directory,
      minutes: options.minutes,
      cycles: options.cycles,
      seed,
      writers: options.writers,
      only,
      fileSystems,
      fullBy: options.fullBy ?? availableSpaceKind(),
      violations: options.violations,
      signal: interrupt.signal,
      onNote: (text) => output.note(text),
      onCycle(so) {
        const [done, total] =
          options.cycles === undefined
            ? [Math.min(so.durationMs, options.minutes * 60_000), options.minutes * 60_000]
            : [so.cycles, options.cycles]
        bar.update(done, total, progressText(so))
      },
    }).finally(() => bar.stop())
    output.lines(resultLines(output, result))
    for (const violation of result.violations) output.lines(violationLines(output, violation))
    const verdict =
      result.violations.length === 0
        ? output.colors.green('no violation')
        : output.colors.red(plural(result.violations.length, 'violation'))
    output.line(
      `\n${verdict} in ${plural(result.cycles, 'cycle')}, ${milliseconds(result.durationMs)}; seed ${String(seed)}`,
    )
    output.document(result)
    if (result.violations.length > 0) return ExitCode.Violation
    return interrupt.signal.aborted ? interrupt.exitCode : ExitCode.Ok
  } finally {
    interrupt.stop()
  }
}

async function judgeAgain(output: Output, directory: string): Promise<ExitCode> {
  const { evidence, violations, judgement } = await recheck(directory)
  if ('damage' in evidence) {
    const { damage, acknowledged, repairs } = evidence
    output.field('damage', damage.what)
    output.field('acknowledged', `entries to ${count(acknowledged)}`)
    output.field('repaired by', repairs.map(({ policy, tool }) => `${policy} (${tool})`).join(', '))
  } else {
    const { claim, fault, phase, plan } = evidence
    output.field('fault', `${fault}, while ${phase}; durability ${plan.durability}`)
    output.field('promised', `entries to ${count(claim.atLeast)}, at most ${count(claim.atMost)}`)
    output.field(
      'recovered',
      judgement === undefined ? 'nothing' : `to ${count(judgement.recovered)}`,
    )
  }
  output.line(
    violations.length === 0
      ? 'the directory holds what it must; the violation was seen in the processes:'
      : output.colors.red('the violation is there again:'),
  )
  const said = violations.length === 0 ? evidence.violations : violations
  for (const text of said) output.line(`  ${text}`)
  output.document({ evidence, violations, judgement })
  return violations.length === 0 ? ExitCode.Ok : ExitCode.Violation
}

function faultsOf({ only, powerCut = false }: TortureCommandOptions): Fault[] {
  const given = only === undefined ? undefined : chosen<Fault>(only, faults, '--only')
  const list = given ?? faults.filter((fault) => fault !== 'power')
  if (powerCut && !list.includes('power')) list.push('power')
  return list
}

function chosen<Value extends string>(
  given: readonly string[] | undefined,
  known: readonly Value[],
  option: string,
): Value[] {
  for (const value of given ?? []) {
    if (!known.includes(value as Value)) {
      throw usageError(`${option} takes ${known.join(', ')}, not "${value}"`)
    }
  }
  return known.filter((value) => given === undefined || given.includes(value))
}
