/** How a follower waits for more: an append of its own process, a writer of another one, or the time's end. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NativeWatch } from '../native/live-binding.js'

// A writer of another process that has no window gives no sign: a follower has to look. A look is a few
// microseconds; a journal that was silent for long is looked at less often.
const pauseMs = 1
const silentPauseMs = 5
const silentAfterMs = 10_000
// With a window this is only for what no sign comes of: a writer that ends.
const watchedPauseMs = 100
const hurryMs = 250

/** Registers a function that is called once, at the next move of the writer; returns what takes that back. */
export type OnMove = (waker: () => void) => () => void

export interface FollowOptions {
  spin: boolean
  signal: AbortSignal | undefined
  /** Of a writer in this process. */
  onAppend: OnMove | undefined
  /** Of a writer in another one. */
  watch: NativeWatch | undefined
}

export class Follow {
  readonly #options: FollowOptions
  #seen: ReturnType<NativeWatch['mark']> = 'no window'
  #foundMs = performance.now()
  #lookedMs = -Infinity
  #hurriedMs = -Infinity

  constructor(options: FollowOptions) {
    this.#options = options
  }

  /** To be called before looking for more: what comes from here on ends the wait. False: there can be nothing. */
  isWorthALook(): boolean {
    const { spin, watch } = this.#options
    this.#seen = watch?.mark() ?? 'no window'
    const nowMs = performance.now()
    if (spin && this.#seen === 'no move' && nowMs - this.#lookedMs < watchedPauseMs) return false
    this.#lookedMs = nowMs
    return true
  }

  /** Something was found, and there may be more. */
  found(): void {
    this.#foundMs = performance.now()
    this.#lookedMs = -Infinity
  }

  /** How far the journal is durable, as the writer of another process says; undefined if it does not. */
  durable(): number | undefined {
    return this.#options.watch?.frontiers()?.durable
  }

  /** Resolves when it is worth looking again; rejects with the signal's reason. */
  async wait(): Promise<void> {
    const { spin, watch, onAppend, signal } = this.#options
    if (spin) {
      const nowMs = performance.now()
      if (nowMs - this.#hurriedMs > hurryMs) {
        watch?.hurryWriter()
        this.#hurriedMs = nowMs
      }
      await nextTurn()
      signal?.throwIfAborted()
    } else if (watch && this.#seen !== 'no window') {
      await pause(wakerOf(watch), watchedPauseMs, signal)
    } else {
      const isSilent = performance.now() - this.#foundMs > silentAfterMs
      await pause(onAppend, isSilent ? silentPauseMs : pauseMs, signal)
    }
  }

  close(): void {
    this.#options.watch?.close()
  }
}

function wakerOf(watch: NativeWatch): OnMove {
  return (waker) => {
    let isWaiting = true
    watch.wait(() => {
      isWaiting = false
      waker()
    })
    return () => {
      if (isWaiting) watch.cancel()
    }
  }
}

/** Sleeps until the writer moves, the time's end or the abort. */
function pause(
  onMove: OnMove | undefined,
  timeMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      forget?.()
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    const onAbort = (): void => {
      clearTimeout(timer)
      forget?.()
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(end, timeMs)
    const forget = onMove?.(end)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
  })
}
