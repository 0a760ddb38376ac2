/** `pinnacle dump`: the journal's entries, as a table or as JSON lines; can follow a running writer. */
import { Option, type Command } from 'commander'
import { definitionOf } from '../../book/instrument.js'
import { OldFlowEntries } from '../../entry/old-flow-entries.js'
import { Journal } from '../../journal/journal.js'
import { journalEntryTypes, type JournalEntry, type JournalEntryType } from '../../entry/entry.js'
import { action, onInterrupt } from '../action.js'
import { countArgument, listArgument, sequenceArgument } from '../arguments.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { entryObject, tableHead, tableRow } from '../entry-text.js'
import { ExitCode } from '../exit-codes.js'
import { knownInstruments } from '../../journal/known-instruments.js'
import { toJson, type Output } from '../output.js'
import { usageError } from '../usage-error.js'
import { didYouMean } from '../../errors/likely-spelling.js'

const examples = `
Locks nothing and changes nothing; a running writer can be read, and followed with --follow.
Timestamps and order ids are decimal strings in JSON, since they may exceed 2^53.
A bracket (┌ │ └) holds the entries of a transaction; in JSON they have "transaction": first, middle or last.

Examples:
  $ pinnacle dump ./data --from 1 --to 20
  $ pinnacle dump ./data --instrument MSFT --type execute,trade --format jsonl
  $ pinnacle dump ./data --follow`

interface DumpOptions extends DataOptions {
  from?: number
  to?: number
  limit?: number
  follow?: boolean
  frontier?: 'written' | 'durable'
  instrument?: string
  type?: string[]
  format?: 'table' | 'jsonl'
}

export function register(program: Command): void {
  const command = program.command('dump').description("the journal's entries, one a line")
  withDirectory(command)
    .option('--from <sequence>', 'first entry (default: the first that is kept)', sequenceArgument)
    .option('--to <sequence>', 'last entry', sequenceArgument)
    .option('-n, --limit <entries>', 'print at most this many entries', countArgument)
    .option('-f, --follow', 'wait for more, until Ctrl-C')
    .addOption(
      new Option('--frontier <frontier>', 'how far to read (default: written)').choices([
        'written',
        'durable',
      ]),
    )
    .option('-i, --instrument <name>', 'only entries of this instrument')
    .option(
      '-t, --type <types>',
      'only entries of these types, with commas in between',
      listArgument,
    )
    .addOption(
      new Option('--format <format>', 'default: table, with --json jsonl').choices([
        'table',
        'jsonl',
      ]),
    )
    .addHelpText('after', examples)
  command.action(action<DumpOptions, [string | undefined]>(dump))
}

async function dump(
  output: Output,
  options: DumpOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const dataDirectory = directoryOf(options, directory)
  const types = options.type?.map(entryType)
  const jsonl = (options.format ?? (output.json ? 'jsonl' : 'table')) === 'jsonl'
  const instruments = await knownInstruments(dataDirectory, options.from)
  const interrupt = onInterrupt()
  const entries = Journal.read(dataDirectory, {
    follow: options.follow === true,
    signal: interrupt.signal,
    ...(options.frontier === undefined ? {} : { frontier: options.frontier }),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.instrument === undefined ? {} : { instrument: options.instrument }),
  })
  const oldFlow = new OldFlowEntries()
  let written = 0
  try {
    if (!jsonl) await output.raw(output.colors.dim(tableHead()))
    for await (const read of entries) {
      learn(instruments, read)
      const entry =
        !jsonl && read.type === 'user' ? { ...read, userType: oldFlow.typeOf(read) } : read
      if (types !== undefined && !types.includes(entry.type)) continue
      await output.raw(
        jsonl ? toJson(entryObject(entry, instruments)) : tableRow(entry, instruments),
      )
      if (++written === options.limit) break
    }
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode
    throw error
  } finally {
    interrupt.stop()
  }
  return ExitCode.Ok
}

type KnownInstruments = Awaited<ReturnType<typeof knownInstruments>>

function learn(instruments: KnownInstruments, entry: JournalEntry): void {
  if (entry.type !== 'instrument') return
  instruments.set(entry.instrument, definitionOf(entry))
}

function entryType(name: string): JournalEntryType {
  const type = journalEntryTypes.find((known) => known === name)
  if (type !== undefined) return type
  throw usageError(
    `"${name}" is not an entry type${didYouMean(name, journalEntryTypes)}; there are ${journalEntryTypes.join(', ')}`,
  )
}
