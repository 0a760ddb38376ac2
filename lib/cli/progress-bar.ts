/** A bar on stderr if that is a terminal; nothing otherwise. */
import { createRequire } from 'node:module'
import type * as CliProgress from 'cli-progress'
import type { Output } from './output.js'

export interface ProgressBar {
  update(done: number, total: number, text: string): void
  stop(): void
}

const silent: ProgressBar = { update: () => undefined, stop: () => undefined }

export function progressBar(output: Output, label: string): ProgressBar {
  if (!output.interactive) return silent
  // Loaded for a terminal only.
  const { Presets, SingleBar } = createRequire(import.meta.url)(
    'cli-progress',
  ) as typeof CliProgress
  const bar = new SingleBar(
    {
      format: `${label} {bar} {percentage}%  {text}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 24,
      fps: 15,
      gracefulExit: false,
    },
    Presets.shades_classic,
  )
  let started = false
  return {
    update(done, total, text) {
      const whole = Math.max(total, done, 1)
      if (started) {
        bar.setTotal(whole)
        bar.update(done, { text })
        return
      }
      started = true
      bar.start(whole, done, { text })
    },
    stop() {
      if (started) bar.stop()
    },
  }
}
