/**
 * The machine's limits, measured by native/bench/limits_bench.cc, which is built at first use. It runs beside
 * the benchmarks and measures one round per request, so that its rounds alternate with theirs; between
 * requests it sleeps.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { root } from './root.js'

/** Builds a program of native/bench; returns its path, or what went wrong. */
export function buildNative(target: string): { program: string } | { problem: string } {
  const steps = [
    ['--preset', 'release'],
    ['--build', path.join(root, '.build/release'), '--target', target, '--parallel', '2'],
  ]
  for (const step of steps) {
    const { status, error, stdout, stderr } = spawnSync('cmake', step, {
      cwd: root,
      encoding: 'utf8',
    })
    if (error)
      return {
        problem: `limits_bench is built by cmake, which could not be started (${error.message})`,
      }
    if (status !== 0)
      return { problem: `limits_bench was not built:\n${`${stdout}${stderr}`.trim()}` }
  }
  return { program: path.join(root, '.build/release', target) }
}

export class Limits {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #answers: ((answer: number | Error) => void)[] = []
  #errors = ''

  static start(directory: string): Limits | { problem: string } {
    const built = buildNative('limits_bench')
    return 'problem' in built ? built : new Limits(built.program, directory)
  }

  private constructor(program: string, directory: string) {
    this.#child = spawn(program, [directory])
    createInterface(this.#child.stdout).on('line', (line) => {
      this.#answers.shift()?.(Number(line))
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    this.#child.on('close', (code) => {
      const error = new Error(`limits_bench ended with ${String(code)}: ${this.#errors.trim()}`)
      for (const answer of this.#answers.splice(0)) answer(error)
    })
  }

  /** ns per record. */
  append(count: number): Promise<number> {
    return this.#ask(`append ${String(count)}`)
  }

  /** µs each. */
  durable(count: number): Promise<number> {
    return this.#ask(`durable ${String(count)}`)
  }

  /** Bytes per second, of `threads` together. */
  memory(threads: number): Promise<number> {
    return this.#ask(`memory ${String(threads)}`)
  }

  /** Bytes per second: one core reads the segments of a data directory, and does nothing with them. */
  read(dataDirectory: string): Promise<number> {
    return this.#ask(`read ${dataDirectory}`)
  }

  /** ns per operation. */
  apply(file: string): Promise<number> {
    return this.#ask(`apply ${file}`)
  }

  /** Bytes per second: `threads` threads verify the journal of a data directory. */
  verify(threads: number, dataDirectory: string): Promise<number> {
    return this.#ask(`verify ${String(threads)} ${dataDirectory}`)
  }

  /** Entries per second: one core verifies, decodes and applies the journal of a data directory. */
  replay(dataDirectory: string, expectedOrders: number): Promise<number> {
    return this.#ask(`replay ${String(expectedOrders)} ${dataDirectory}`)
  }

  close(): void {
    this.#child.stdin.end()
  }

  #ask(question: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answers.push((answer) => {
        if (typeof answer === 'number') resolve(answer)
        else reject(answer)
      })
      this.#child.stdin.write(`${question}\n`)
    })
  }
}
