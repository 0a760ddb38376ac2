/**
 * Reads the whole trail and checks that it is what was written: every line in its place, chained to the
 * one before, authenticated by its own key, and the last one the line that the head names.
 *
 * Without the verification key the codes can't be checked: chain and head still show removed, changed or
 * reordered lines, but not a trail that was rewritten as a whole by someone who could write the head too.
 * The report says which of the two it was.
 */
import { codeOf } from '../secure/errors.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import { readHead, type Head } from './head.js'
import { decodeLine, firstPrevious, hashOf, isAuthentic, nextKey, type AuditLine } from './line.js'
import type { AuditTrail } from './trail.js'

export interface AuditProblem {
  /** The line at which it shows; one past the last for a truncated trail. */
  readonly sequence: number
  readonly problem: string
}

export interface AuditReport {
  readonly trail: string
  readonly lines: number
  /** Whether each line's code was checked with its key. */
  readonly authenticated: boolean
  /** Lines past the head, left by a crash; the next record takes them in. */
  readonly behindHead: number
  /** null if everything is as written, else the first problem. Nothing after it can be relied on. */
  readonly problem: AuditProblem | null
}

export interface VerifyOptions {
  /** Key 1. The caller's; a copy is used. */
  readonly rootKey?: SecretBuffer | undefined
  /** Called for each line that checks, in order. */
  readonly onLine?: (line: AuditLine) => void
}

class Checker implements Disposable {
  #key: SecretBuffer | undefined
  trail: string | undefined
  previous = firstPrevious
  count = 0
  #headSeen = false
  behindHead = 0
  readonly #head: Head | undefined

  constructor(head: Head | undefined, rootKey: SecretBuffer | undefined) {
    this.#head = head
    this.#key = rootKey?.copy()
    this.trail = head?.trail
  }

  /** The line, or what is wrong with it. */
  take(bytes: Uint8Array): AuditLine | string {
    let line: AuditLine
    try {
      line = decodeLine(bytes)
    } catch {
      return 'it is not an audit line as the trail writes them'
    }
    const sequence = this.count + 1
    if (this.trail !== undefined && line.trail !== this.trail) return 'it belongs to another trail'
    if (line.sequence !== sequence) {
      return line.sequence > sequence
        ? 'lines before it were removed'
        : 'it is duplicated or out of order'
    }
    if (line.previous !== this.previous) return 'the line before it was changed, or this one was'
    if (this.#key && !isAuthentic(line, this.#key)) return 'its authentication code is wrong'
    this.trail = line.trail
    this.count = sequence
    this.previous = hashOf(bytes)
    this.#evolve()
    return this.#atHead(sequence) ?? line
  }

  #atHead(sequence: number): string | undefined {
    const head = this.#head
    if (this.#headSeen) this.behindHead++
    if (head?.sequence !== sequence) return undefined
    this.#headSeen = true
    if (head.hash !== this.previous) return 'it is not the line that the head names as the last'
    if (this.#key && !this.#key.equals(head.key))
      return 'the head was replaced: its key is not that of this line'
    return undefined
  }

  #evolve(): void {
    const old = this.#key
    if (!old) return
    this.#key = nextKey(old)
    old.release()
  }

  /** What is wrong with the end of the trail. */
  end(): string | undefined {
    const head = this.#head
    if (!head) return this.count === 0 ? undefined : 'the head (audit-head.json) is missing'
    if (this.count < head.sequence) {
      return `the trail ends here, but the head says that ${String(head.sequence)} lines were written`
    }
    return undefined
  }

  [Symbol.dispose](): void {
    this.#key?.release()
  }
}

export async function verifyTrail(
  { storage, files, dataDirectory }: Pick<AuditTrail, 'storage' | 'files' | 'dataDirectory'>,
  options: VerifyOptions = {},
): Promise<AuditReport> {
  // The head first: a writer beside us only ever adds lines after it.
  using head = await readHead(files, dataDirectory)
  using checker = new Checker(head, options.rootKey)
  const report = (problem: AuditProblem | null): AuditReport => ({
    trail: checker.trail ?? '',
    lines: checker.count,
    authenticated: options.rootKey !== undefined,
    behindHead: checker.behindHead,
    problem,
  })
  try {
    for await (const { bytes } of storage.read(0)) {
      const taken = checker.take(bytes)
      if (typeof taken === 'string') return report({ sequence: checker.count + 1, problem: taken })
      options.onLine?.(taken)
    }
  } catch (error) {
    const problem = `the journal that holds it can't be read (${codeOf(error)})`
    return report({ sequence: checker.count + 1, problem })
  }
  const problem = checker.end()
  return report(problem === undefined ? null : { sequence: checker.count + 1, problem })
}
