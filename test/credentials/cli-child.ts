/** Only the commands of credentials and audit, as main runs them. Run by the tests. */
import { Command, CommanderError } from 'commander'
import { register as audit } from '../../lib/cli/commands/audit.js'
import { register as creds } from '../../lib/cli/commands/creds.js'
import { exitCodeOf } from '../../lib/cli/exit-codes.js'

const program = new Command('pinnacle').option('--json').option('--no-color').exitOverride()
creds(program)
audit(program)
try {
  await program.parseAsync()
} catch (error) {
  const { code, message } = error as { code: string; message: string }
  process.stderr.write(`${code}: ${message}\n`)
  process.exitCode = error instanceof CommanderError ? 2 : exitCodeOf(code)
}
