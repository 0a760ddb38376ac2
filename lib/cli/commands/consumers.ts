/** `pinnacle consumers`: the named consumers of a directory, how far each came, and how to end one. */
import { Option, type Command } from 'commander'
import { Consumers, type ConsumerInfo } from '../../journal/consumers.js'
import { action } from '../action.js'
import { integerArgument } from '../arguments.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import { lastSequenceOf } from '../../journal/last-sequence.js'
import type { Output } from '../output.js'
import { count } from '../text.js'
import { usageError } from '../usage-error.js'

const examples = `
Compaction waits for a consumer, up to consumerLimit and consumerLimitEntries. A consumer that no longer
runs keeps the disk filled up to these limits; --remove ends that and forgets its position.

Examples:
  $ pinnacle consumers ./data
  $ pinnacle consumers ./data --remove old-standby
  $ pinnacle consumers ./data --reset standby --to 120000`

interface ConsumersOptions extends DataOptions {
  remove?: string
  reset?: string
  to?: number
}

export function register(program: Command): void {
  const command = program
    .command('consumers')
    .description('list, remove or move the named consumers of a journal')
  withDirectory(command)
    .addOption(
      new Option('--remove <name>', 'forget a consumer that no process has open').conflicts(
        'reset',
      ),
    )
    .option('--reset <name>', 'move the position of a consumer that no process has open')
    .option(
      '--to <sequence>',
      'with --reset: the last entry that counts as consumed',
      integerArgument,
    )
    .addHelpText('after', examples)
    .action(action<ConsumersOptions, [string | undefined]>(consumers))
}

async function consumers(
  output: Output,
  options: ConsumersOptions,
  argument: string | undefined,
): Promise<ExitCode> {
  const directory = directoryOf(options, argument)
  const all = Consumers.of(directory)
  if ((options.reset === undefined) !== (options.to === undefined)) {
    throw usageError('--reset and --to belong together: give the name and the sequence')
  }
  if (options.remove !== undefined) {
    await all.remove(options.remove)
    output.line(`Removed consumer ${options.remove}`)
  } else if (options.reset !== undefined && options.to !== undefined) {
    const known = await all.list()
    // Opening makes one: a slip of the pen must not.
    if (!known.some(({ name }) => name === options.reset)) {
      throw usageError(
        `there is no consumer "${options.reset}"; without options the command lists them`,
      )
    }
    await using consumer = await all.open(options.reset)
    await consumer.reset(options.to)
    output.line(`Consumer ${options.reset} continues after entry ${count(options.to)}`)
  }
  // Before the list, so that a directory without a journal is an error.
  const lastSequence = lastSequenceOf(directory)
  const list = await all.list()
  if (options.remove === undefined && options.reset === undefined) show(output, list, lastSequence)
  output.document({ lastSequence, consumers: list })
  return ExitCode.Ok
}

function show(output: Output, list: readonly ConsumerInfo[], last: number): void {
  output.heading(
    list.length === 0 ? 'No consumers' : `Consumers of a journal of ${count(last)} entries`,
  )
  const width = Math.max(...list.map(({ name }) => name.length), 0)
  for (const { name, sequence, open, problem, timestampNs } of list) {
    const when = new Date(Number(timestampNs / 1_000_000n)).toISOString()
    const behind = Math.max(0, last - sequence)
    const state =
      problem === '' ? `entry ${count(sequence)}, ${count(behind)} behind, ${when}` : problem
    output.line(`  ${name.padEnd(width)}  ${open ? 'open  ' : 'closed'}  ${state}`)
  }
}
