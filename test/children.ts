/**
 * Starts child processes of Node as a user does. The test runner passes its own loaders to every process of a
 * test through NODE_OPTIONS. That costs 0.2 s each, and one of their packages changes the disposition of
 * signals (a writer on a full disk then dies of SIGXFSZ, which Node ignores). `env` removes that variable.
 * eslint makes tests use these.
 */
import { type ChildProcess, type ForkOptions, fork as builtinFork } from 'node:child_process'

const command = 'env'
const prefix = ['-u', 'NODE_OPTIONS', process.execPath]

/** Command and arguments for spawn: `spawn(...node(script, word), options)`. */
export function node(...words: string[]): [string, string[]] {
  return [command, [...prefix, ...words]]
}

/** Like `fork`, with a channel of messages; `execArgv` are the options of the child's own command line. */
export function fork(
  script: string,
  words: readonly string[] = [],
  { execArgv = [], ...options }: ForkOptions = {},
): ChildProcess {
  return builtinFork(script, words, {
    ...options,
    execPath: command,
    execArgv: [...prefix, ...execArgv],
  })
}
