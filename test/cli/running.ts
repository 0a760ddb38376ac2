/** Runs `pinnacle` as a user does: as a process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { node } from '../children.js'

const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  onStart?: (child: ChildProcess) => void
  /** Called with the process, and each time it writes to stdout. */
  onOutput?: (child: ChildProcess, stdout: string) => void
}

export function pinnacle(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  // The environment of the test run must not decide.
  const ambient = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PINNACLE_') && name !== 'FORCE_COLOR' && name !== 'NO_COLOR',
  )
  // Filling segments of the default size with zeros would dominate a short run.
  const env = {
    ...Object.fromEntries(ambient),
    PINNACLE_SEGMENT_SIZE: '256KiB',
    ...options.env,
  }
  const child = spawn(...node(main, ...args), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  options.onStart?.(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    options.onOutput?.(child, stdout)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

/** The document that a --json command wrote. */
export function documentOf(ran: Ran): Record<string, unknown> {
  return JSON.parse(ran.stdout) as Record<string, unknown>
}

/** A small synthetic LOBSTER flow: `orders` orders on both sides, some executed, some cancelled. */
export function lobsterFlow(orders: number): string {
  const lines: string[] = []
  for (let id = 1; id <= orders; id++) {
    const time = `342${String(id)
      .padStart(6, '0')
      .replace(/(\d\d)(\d+)/, '$1.$2')}`
    const side = id % 2 === 0 ? 1 : -1
    const price = 100_000 - side * 100 * (1 + (id % 7))
    lines.push([time, 1, id, 100 + (id % 5), price, side].join(','))
    if (id % 3 === 0) lines.push([time, 4, id, 10, price, side].join(','))
    if (id % 4 === 0) {
      const left = 100 + (id % 5) - (id % 3 === 0 ? 10 : 0)
      lines.push([time, 3, id, left, price, side].join(','))
    }
  }
  return `${lines.join('\n')}\n`
}
