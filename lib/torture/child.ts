/** A child process that speaks on descriptor 3 (testimony.ts); none of them outlives the torture. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Testimony } from './testimony.js'

const living = new Set<ChildProcess>()

/** For exit handlers: synchronous, and no child is forgotten. */
export function killAllChildren(): void {
  for (const child of living) child.kill('SIGKILL')
}

export function remember(child: ChildProcess): void {
  living.add(child)
  child.once('close', () => living.delete(child))
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

/** How a command line is started; the default starts it as it is. */
export type Launcher = (command: string, words: string[]) => { command: string; words: string[] }

export class Child {
  readonly testimony = new Testimony()
  readonly #process: ChildProcess
  readonly #ended: Promise<Ended>
  #over = false

  constructor(module: 'writer' | 'follower', plan: object, launcher?: Launcher) {
    const file = fileURLToPath(new URL(`./${module}.js`, import.meta.url))
    const line = { command: process.execPath, words: [file, JSON.stringify(plan)] }
    const { command, words } = launcher ? launcher(line.command, line.words) : line
    const child = spawn(command, words, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true, // a Ctrl-C is for the torture, and no fault of the writer
    })
    this.#process = child
    remember(child)
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const reports = child.stdio[3] as Readable
    reports.on('data', (chunk: Buffer) => {
      this.testimony.hear(chunk)
    })
    // 'close' comes when both pipes are at their end: everything that was said has been heard.
    this.#ended = once(child, 'close').then((all: unknown[]) => {
      const [code, signal] = all as [number | null, NodeJS.Signals | null]
      this.#over = true
      return { code, signal, stderr }
    })
    this.#ended.catch(() => undefined)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get over(): boolean {
    return this.#over
  }

  get ended(): Promise<Ended> {
    return this.#ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Ends it and gives how; what it had said by then is in the testimony. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal)
    return this.#ended
  }
}
