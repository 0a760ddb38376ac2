/** Between commander and the commands: output by the global options, exit codes, interrupts. */
import type { Command } from 'commander'
import { ExitCode } from './exit-codes.js'
import { Output, type OutputOptions } from './output.js'

type Handler<Arguments extends unknown[], Options> = (
  output: Output,
  options: Options,
  ...args: Arguments
) => Promise<ExitCode | undefined> | ExitCode | undefined

/**
 * Makes a handler commander's action. What it returns is the process's exit code; what it throws is
 * shown by main.
 */
export function action<Options, Arguments extends unknown[] = []>(
  handler: Handler<Arguments, Options>,
): (...args: unknown[]) => Promise<void> {
  return async (...all: unknown[]) => {
    // Commander appends the options and the command itself.
    const command = all.at(-1) as Command
    const options = command.optsWithGlobals<Options & OutputOptions>()
    const args = all.slice(0, -2) as Arguments
    const code = await handler(new Output(options), options, ...args)
    process.exitCode = code ?? ExitCode.Ok
  }
}

export interface Interrupt {
  readonly signal: AbortSignal
  /** The exit code that the signal calls for. */
  readonly exitCode: ExitCode
  stop(): void
}

/**
 * Turns the first Ctrl-C or SIGTERM into an abort, so that a command can close what it has open. The
 * second one ends the process as usual.
 */
export function onInterrupt(): Interrupt {
  const controller = new AbortController()
  let exitCode: ExitCode = ExitCode.Interrupted
  const stop = (): void => {
    process.off('SIGINT', onInt)
    process.off('SIGTERM', onTerm)
  }
  const abort = (code: ExitCode): void => {
    exitCode = code
    stop()
    controller.abort()
  }
  const onInt = (): void => abort(ExitCode.Interrupted)
  const onTerm = (): void => abort(ExitCode.Terminated)
  process.on('SIGINT', onInt)
  process.on('SIGTERM', onTerm)
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    stop,
  }
}
