/** The checker process, seen from the torture: one request at a time, each with a time limit. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CheckAnswer, CheckRequest } from './checker.js'
import { remember } from './child.js'

const checkLimitMs = 120_000

export class Judge {
  #child: ChildProcess | undefined
  #stderr = ''
  /** What a new process must know, after one that died. */
  #begun: CheckRequest | undefined

  async ask(request: CheckRequest): Promise<CheckAnswer> {
    if (request.kind === 'begin') this.#begun = request
    else if (this.#child === undefined && this.#begun !== undefined) await this.#ask(this.#begun)
    return this.#ask(request)
  }

  #ask(request: CheckRequest): Promise<CheckAnswer> {
    const child = (this.#child ??= this.#start())
    return new Promise((resolve) => {
      const end = (answer: CheckAnswer): void => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        resolve(answer)
      }
      const onMessage = (answer: CheckAnswer): void => end(answer)
      const onExit = (code: number | null, signal: string | null): void => {
        this.#child = undefined
        end({
          violations: [
            `the process that recovered died (${signal ?? String(code)}): ${this.#stderr.trim()}`,
          ],
        })
      }
      const timer = setTimeout(() => {
        child.off('exit', onExit)
        child.kill('SIGKILL')
        this.#child = undefined
        end({ violations: [`recovery did not end within ${String(checkLimitMs / 1000)} s`] })
      }, checkLimitMs)
      child.once('message', onMessage)
      child.once('exit', onExit)
      child.send(request)
    })
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #start(): ChildProcess {
    this.#stderr = ''
    const file = fileURLToPath(new URL('./checker.js', import.meta.url))
    const child = fork(file, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true })
    remember(child)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    return child
  }
}
