/**
 * Child processes of Node as a user starts them. The test runner hands its own loaders on to every process
 * that a test starts, through NODE_OPTIONS: 0.2 s each, and a package among them that takes over the
 * disposition of signals (a writer on a full disk then dies of SIGXFSZ, which Node ignores). `env` takes
 * that variable away again. eslint holds tests to these.
 */
import { type ChildProcess, type ForkOptions, fork as builtinFork } from 'node:child_process'

const command = 'env'
const prefix = ['-u', 'NODE_OPTIONS', process.execPath]

/** Command and words for spawn: `spawn(...node(script, word), options)`. */
export function node(...words: string[]): [string, string[]] {
  return [command, [...prefix, ...words]]
}

/** As `fork`, with a channel of messages; `execArgv` are the options of the child's own command line. */
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
