/** Asks for a password on the controlling terminal and prints its length in bytes and its hash. */
import { createHash } from 'node:crypto'
import { readPassword } from '../../lib/credentials/password-source.js'

try {
  using password = readPassword({ type: 'terminal' }, { prompt: 'Say: ' })
  const hash = createHash('sha256').update(password.bytes).digest('hex')
  process.stdout.write(`got ${String(password.length)} ${hash}\n`)
} catch (error) {
  process.stdout.write(`failed ${(error as { code: string }).code}\n`)
}
