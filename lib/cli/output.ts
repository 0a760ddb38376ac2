/** A command's output: results to stdout, progress and errors to stderr. */
import pc from 'picocolors'
import { once } from 'node:events'

export type Colors = ReturnType<typeof pc.createColors>

export interface OutputOptions {
  json?: boolean | undefined
  /** false: --no-color. */
  color?: boolean | undefined
  quiet?: boolean | undefined
}

export class Output {
  /** A document or lines for programs are wanted, and nothing else on stdout. */
  readonly json: boolean
  readonly colors: Colors
  /** Whether people watch stderr, so that a progress bar makes sense. */
  readonly interactive: boolean

  constructor(options: OutputOptions = {}) {
    this.json = options.json === true
    const wanted = options.color !== false && !this.json && pc.isColorSupported
    // picocolors knows NO_COLOR and FORCE_COLOR; a pipe gets none either way unless it is forced.
    const forced = process.env['FORCE_COLOR'] !== undefined && process.env['FORCE_COLOR'] !== '0'
    this.colors = pc.createColors(wanted && (process.stdout.isTTY || forced))
    this.interactive = process.stderr.isTTY && !this.json && options.quiet !== true
  }

  /** A line for people; nothing with --json. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${text}\n`)
  }

  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text)
  }

  /** `label   value`, aligned. */
  field(label: string, value: string): void {
    this.line(`  ${this.colors.dim(label.padEnd(14))} ${value}`)
  }

  heading(text: string): void {
    this.line(this.colors.bold(text))
  }

  /** The document of a --json command; nothing for people. */
  document(value: unknown): void {
    if (this.json) process.stdout.write(`${toJson(value)}\n`)
  }

  /** One line of many, whatever the mode. Waits if the reader is slower. */
  async raw(text: string): Promise<void> {
    if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
  }

  /** A remark, not a result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** A remark that should not be missed, on stderr in every mode. */
  warning(text: string): void {
    this.note(`${this.colors.yellow('warning')}: ${text}`)
  }
}

/** JSON in which integers beyond 2^53 are strings, bytes are base64, and lanes of numbers are arrays. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint') return item.toString()
      if (item instanceof Uint8Array) return Buffer.from(item).toString('base64')
      if (item instanceof Float64Array) return Array.from(item)
      return item
    },
    indent,
  )
}
