// Runs a command as part of a stage, and reports outcomes. Shared by test.mjs and ci.mjs.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Runs `command` in its own process group, so that a time limit ends its children too. `onLine` gets every
 * line of stdout and stderr, in order of arrival. Returns { code, timedOut }; code is 128 + signal if a
 * signal ended it.
 */
export function run(command, args, { onLine, timeoutMs = 0, env, cwd } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let timedOut = false
    const endGroup = (signal) => {
      try {
        process.kill(-child.pid, signal)
      } catch {
        // The group is gone already.
      }
    }
    const timer =
      timeoutMs > 0
        ? setTimeout(() => {
            timedOut = true
            endGroup('SIGKILL')
          }, timeoutMs)
        : undefined
    const onInterrupt = () => {
      endGroup('SIGKILL')
      process.exit(130)
    }
    process.once('SIGINT', onInterrupt)
    process.once('SIGTERM', onInterrupt)

    const flushes = [child.stdout, child.stderr].map((stream) => {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop()
        for (const line of lines) onLine(line)
      })
      return () => {
        if (rest !== '') onLine(rest)
      }
    })
    const finish = (code) => {
      clearTimeout(timer)
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onInterrupt)
      for (const flush of flushes) flush()
      resolve({ code, timedOut })
    }
    child.once('error', (error) => {
      onLine(`${command}: ${error.message}`)
      finish(127)
    })
    child.once('close', (code, signal) => finish(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

export const seconds = (sinceMs) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
