/** A directory that is being damaged, and its known sound content. */
import { existsSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Random } from '../../../lib/order-flow/random.js'
import type { Base } from '../base.js'
import { filesOf, kindOf, type FileKind } from '../files.js'
import { readSegment, type EntryPlace, type Range, type SegmentImage } from '../format.js'

export class Target {
  readonly base: Base
  readonly random: Random
  /** The damage done, for the report. */
  readonly notes: string[] = []
  readonly #directory: string

  /** `directory` is a copy of the base's. */
  constructor(base: Base, directory: string, random: Random) {
    this.base = base
    this.#directory = directory
    this.random = random
  }

  files(kind: FileKind): string[] {
    return filesOf(this.#directory).filter((name) => kindOf(name) === kind)
  }

  /** Every file that recovery reads. */
  allFiles(): string[] {
    return filesOf(this.#directory).filter((name) => kindOf(name) !== 'other')
  }

  exists(name: string): boolean {
    return existsSync(path.join(this.#directory, name))
  }

  read(name: string): Buffer {
    return readFileSync(path.join(this.#directory, name))
  }

  write(name: string, bytes: Uint8Array): void {
    const file = path.join(this.#directory, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }

  remove(name: string): void {
    rmSync(path.join(this.#directory, name))
  }

  note(text: string): void {
    this.notes.push(text)
  }

  /** The segment before any damage; undefined if the base has no such file. */
  soundSegment(name: string): SegmentImage | undefined {
    const file = path.join(this.base.ours.directory, name)
    return existsSync(file) ? readSegment(readFileSync(file)) : undefined
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.random.below(items.length)]
  }

  /** An existing segment of the base, more often a newer one, since most depends on them. */
  pickSegment(withEntries = false): string | undefined {
    const names = this.files('segment').filter((name) => {
      const segment = this.soundSegment(name)
      return segment !== undefined && (!withEntries || segment.entries.length > 0)
    })
    if (names.length === 0) return undefined
    return this.random.below(3) === 0 ? names.at(-1) : this.pick(names)
  }

  /** An entry's place, more often the first or the last of a segment. */
  pickEntry(): { name: string; entry: EntryPlace } | undefined {
    const name = this.pickSegment(true)
    const entries = name === undefined ? [] : (this.soundSegment(name)?.entries ?? [])
    const choice = this.random.below(6)
    const entry = choice === 0 ? entries[0] : choice === 1 ? entries.at(-1) : this.pick(entries)
    return name === undefined || entry === undefined ? undefined : { name, entry }
  }

  /** Changes the bytes of a range; false if the file has none there, or if they would not change. */
  change(name: string, { offset, bytes }: Range, how: (range: Buffer) => void): boolean {
    const content = this.read(name)
    if (offset + bytes > content.length || bytes === 0) return false
    const before = Buffer.from(content)
    how(content.subarray(offset, offset + bytes))
    if (content.equals(before)) return false
    this.write(name, content)
    return true
  }
}

/** Does damage; false if the directory has nothing of the kind. */
export type Damage = (target: Target) => boolean
