/** The command line: the global options and the list of commands. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'

/** Adds one command, or several, to the program. A command's file exports one of these as `register`. */
export type Register = (program: Command) => void

type Load = () => Promise<{ register: Register }>

/**
 * By name, in the order of the help. A new command is one file and one line here. Loaded is only the
 * command that runs: what the others import would take longer than most of them do.
 */
const commands: Readonly<Record<string, Load>> = {
  demo: () => import('./commands/demo.js'),
  run: () => import('./commands/run.js'),
  recover: () => import('./commands/recover.js'),
  inspect: () => import('./commands/inspect.js'),
  verify: () => import('./commands/verify.js'),
  dump: () => import('./commands/dump.js'),
  book: () => import('./commands/book.js'),
  feed: () => import('./commands/feed.js'),
  history: () => import('./commands/history.js'),
  snapshot: () => import('./commands/snapshot.js'),
  compact: () => import('./commands/compact.js'),
  stats: () => import('./commands/stats.js'),
  consumers: () => import('./commands/consumers.js'),
  backup: () => import('./commands/backup.js'),
  restore: () => import('./commands/restore.js'),
  'clean-windows': () => import('./commands/clean-windows.js'),
  repair: () => import('./commands/repair.js'),
  creds: () => import('./commands/creds.js'),
  audit: () => import('./commands/audit.js'),
  torture: () => import('./commands/torture.js'),
}

export const commandNames: readonly string[] = Object.keys(commands)

const exitCodes = `
Exit codes:
  0 done, or clean   1 error   2 usage or configuration   3 torn tail   4 corrupt
  5 a torture found a violation   7 stalled   8 failed   9 no writer (of stats)
  130 ended by Ctrl-C   143 ended by SIGTERM

Examples:
  $ pinnacle demo
  $ pinnacle run message.csv --data ./data --instrument MSFT
  $ pinnacle book MSFT --data ./data
  $ pinnacle verify ./data && echo clean`

/** The program for these arguments (without node and the script): with all commands if none is named. */
export async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('pinnacle')
    .description(
      'Order books that survive a crash: journals order flow, recovers, verifies, shows.',
    )
    .version(packageVersion())
    .option('--json', 'results as JSON, for programs')
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .option('-q, --quiet', 'no progress bar')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', exitCodes)
    .showHelpAfterError('(--help says more)')
    .showSuggestionAfterError()
    .exitOverride()
  for (const { register } of await loaded(words)) register(program)
  for (const command of program.commands) inherit(command, program)
  return program
}

/** None of the global options takes a value, so the first word that is not an option is the command's name. */
async function loaded(words: readonly string[]): Promise<{ register: Register }[]> {
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) return []
  const name = words.find((word) => !word.startsWith('-'))
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load) return [await load()]
  return Promise.all(Object.values(commands).map((each) => each()))
}

/** Commands that were not made by program.command() must fail and help as the others do. */
function inherit(command: Command, program: Command): void {
  command.copyInheritedSettings(program)
  for (const nested of command.commands) inherit(nested, program)
}

function packageVersion(): string {
  // dist/cli/program.js, or wherever it is compiled to: the nearest package.json is the package's.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // One directory further up.
    }
  }
  return 'unknown'
}
