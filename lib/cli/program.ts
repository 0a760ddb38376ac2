/** The command line: the global options and the list of commands. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { register as audit } from './audit.js'
import { register as book } from './commands/book.js'
import { register as compact } from './commands/compact.js'
import { register as creds } from './creds.js'
import { register as demo } from './commands/demo.js'
import { register as dump } from './commands/dump.js'
import { register as history } from './commands/history.js'
import { register as inspect } from './commands/inspect.js'
import { register as recover } from './commands/recover.js'
import { register as repair } from './commands/repair.js'
import { register as run } from './commands/run.js'
import { register as snapshot } from './commands/snapshot.js'
import { register as verify } from './commands/verify.js'

/** Adds one command, or several, to the program. A command's file exports one of these. */
export type Register = (program: Command) => void

/** In the order of the help. A new command is one file and one line here. */
const commands: readonly Register[] = [
  demo,
  run,
  recover,
  inspect,
  verify,
  dump,
  book,
  history,
  snapshot,
  compact,
  repair,
  creds,
  audit,
]

const exitCodes = `
Exit codes:
  0 done, or clean   1 error   2 usage or configuration   3 torn tail   4 corrupt
  130 ended by Ctrl-C   143 ended by SIGTERM

Examples:
  $ pinnacle demo
  $ pinnacle run message.csv --data ./data --instrument MSFT
  $ pinnacle book MSFT --data ./data
  $ pinnacle verify ./data && echo clean`

export function createProgram(): Command {
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
  for (const register of commands) register(program)
  for (const command of program.commands) inherit(command, program)
  return program
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
