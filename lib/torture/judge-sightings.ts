/**
 * Judges what a follower saw: a prefix of what was written, entry by entry, in order, with no gap, and
 * each with the content that the flow has there. A follower may begin anywhere, and may jump forward once
 * compaction has overtaken it.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { expectedText, textMismatch } from './entry-text.js'
import type { TortureEvent } from './flow.js'
import { overtakenLine } from './sighting-log.js'

export class SightingJudge {
  readonly #name: string
  readonly #eventOf: (sequence: number) => TortureEvent | undefined
  #last = 0
  #mayJump = true
  #wrong = ''

  constructor(name: string, eventOf: (sequence: number) => TortureEvent | undefined) {
    this.#name = name
    this.#eventOf = eventOf
  }

  /** The last entry that it saw; 0: none. */
  get last(): number {
    return this.#last
  }

  /** '' as long as nothing was wrong; then the first thing that was. `atMost`: the last one attempted. */
  judge(line: string, atMost: number): string {
    if (this.#wrong !== '') return this.#wrong
    if (line === overtakenLine) {
      this.#mayJump = true
      return ''
    }
    const space = line.indexOf(' ')
    const sequence = Number(line.slice(0, space))
    const wrong =
      this.#orderOf(sequence, atMost) || this.#contentOf(sequence, line.slice(space + 1))
    this.#last = sequence
    this.#mayJump = false
    if (wrong !== '') this.#wrong = `${this.#name} saw ${wrong}`
    return this.#wrong
  }

  #orderOf(sequence: number, atMost: number): string {
    const place = `entry ${String(sequence)} after ${String(this.#last)}`
    if (!Number.isSafeInteger(sequence) || sequence < 1) return `a line without a sequence`
    if (sequence <= this.#last) return place
    if (sequence !== this.#last + 1 && !this.#mayJump) return `${place}, with a gap between them`
    if (sequence > atMost) {
      return `entry ${String(sequence)}, and only ${String(atMost)} were ever attempted`
    }
    return ''
  }

  #contentOf(sequence: number, text: string): string {
    const wrong = textMismatch(sequence, text, expectedText(sequence, this.#eventOf(sequence)))
    return wrong === '' ? '' : `that ${wrong}`
  }
}

/** The logs of a directory's followers, each read on from the place at which reading last stopped. */
export class SightingFiles {
  readonly #eventOf: (sequence: number) => TortureEvent | undefined
  readonly #files = new Map<string, { offset: number; judge: SightingJudge }>()

  constructor(eventOf: (sequence: number) => TortureEvent | undefined) {
    this.#eventOf = eventOf
  }

  /** What is wrong in the new lines of these files. */
  judge(files: readonly string[], atMost: number): string[] {
    return files.flatMap((file) => {
      let known = this.#files.get(file)
      if (known === undefined) {
        known = { offset: 0, judge: new SightingJudge(path.parse(file).name, this.#eventOf) }
        this.#files.set(file, known)
      }
      const text = readFrom(file, known.offset)
      // A line without its end was being written when the follower was killed.
      const whole = text.subarray(0, text.lastIndexOf('\n') + 1)
      known.offset += whole.length
      const lines = whole.toString('latin1').split('\n').slice(0, -1)
      let wrong = ''
      for (const line of lines) wrong = known.judge.judge(line, atMost)
      return wrong === '' ? [] : [wrong]
    })
  }
}

function readFrom(file: string, offset: number): Buffer {
  if (!existsSync(file)) return Buffer.alloc(0)
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - offset))
    const read = readSync(descriptor, bytes, 0, bytes.length, offset)
    return bytes.subarray(0, read)
  } finally {
    closeSync(descriptor)
  }
}
