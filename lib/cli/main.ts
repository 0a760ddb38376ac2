#!/usr/bin/env node
/** `pinnacle`: runs a command and turns whatever goes wrong into one line and an exit code. */
import { CommanderError } from 'commander'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { ExitCode, exitCodeOf } from './exit-codes.js'
import { toJson } from './output.js'
import { createProgram } from './program.js'
import { printable } from './text.js'

// A reader that has seen enough (`| head`) closes the pipe: that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.Ok)
  throw error
})

try {
  await (await createProgram(process.argv.slice(2))).parseAsync()
} catch (error) {
  process.exitCode = failed(error)
}

function failed(error: unknown): ExitCode {
  // Commander has written its own message already, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Ok : ExitCode.Usage
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (process.argv.includes('--json')) {
    const details = isPinnacleError(error) ? error.details : undefined
    process.stderr.write(`${toJson({ error: { code, message, details } })}\n`)
  } else {
    process.stderr.write(`${code}: ${printable(message)}\n`)
    const cause = error instanceof Error ? error.cause : undefined
    if (isPinnacleError(cause)) {
      process.stderr.write(`  cause: ${cause.code}: ${printable(cause.message)}\n`)
    }
  }
  // A code that is not one of ours is a defect, and only the stack shows its place.
  if (code === 'ERR_PINNACLE_INTERNAL' && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`)
  return exitCodeOf(code)
}

function codeOf(error: unknown): string {
  if (isPinnacleError(error)) return error.code
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'ERR_PINNACLE_INTERNAL'
}
