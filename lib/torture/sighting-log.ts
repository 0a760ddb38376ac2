/**
 * What one follower saw, as a file with a line for each entry, written before the follower asks for the
 * next: `<sequence> <entry as text>`, or `overtaken` if the journal was compacted faster than it was read.
 * The follower only records. What the lines are worth is for judge-sightings.ts to say.
 */
import { openSync, writeSync } from 'node:fs'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import type { JournalEntry } from '../entry/entry.js'
import { entryText } from './entry-text.js'

export const overtakenLine = 'overtaken'

/** Opens an iteration over the journal that goes on until it is aborted or the journal is closed. */
export type Following = (from: number | undefined) => AsyncIterable<JournalEntry>

export class SightingLog {
  readonly #file: number
  readonly #onSeen: (sequence: number) => void
  readonly #onOvertaken: () => void
  #last = 0

  constructor(path: string, onSeen: (sequence: number) => void, onOvertaken: () => void) {
    this.#file = openSync(path, 'a')
    this.#onSeen = onSeen
    this.#onOvertaken = onOvertaken
  }

  /** The last entry seen. */
  get last(): number {
    return this.#last
  }

  /**
   * Records entries from `from` (undefined: the oldest) until the iteration ends, then returns the next entry to
   * read: undefined if compaction overtook it or the journal does not exist yet.
   */
  async record(
    following: Following,
    from: number | undefined,
    pause?: (seen: number) => Promise<void>,
  ): Promise<number | undefined> {
    try {
      for await (const entry of following(from)) {
        this.#write(`${String(entry.sequence)} ${entryText(entry)}`)
        this.#last = entry.sequence
        this.#onSeen(entry.sequence)
        await pause?.(entry.sequence)
      }
    } catch (error) {
      if (!isPinnacleError(error)) throw error
      // The directory was made, its first segment not yet.
      if (error.code === 'ERR_PINNACLE_NOT_FOUND' && this.#last === 0) return undefined
      if (error.code !== 'ERR_PINNACLE_OUT_OF_REACH') throw error
      this.#write(overtakenLine)
      this.#onOvertaken()
      return undefined
    }
    return this.#last + 1
  }

  #write(line: string): void {
    writeSync(this.#file, `${line}\n`)
  }
}
