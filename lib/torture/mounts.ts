/**
 * Mounts that the torture makes, and that never stay: they are undone in order at the end, at exit
 * whatever the reason, and what a killed run left is found by the next one.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { PinnacleError } from '../errors/pinnacle-error.js'

const mounted = new Set<string>()
/** A killed process lets go of its files within milliseconds. */
const busyTries = 400
const busyPauseMs = 5

export function mount(words: readonly string[], directory: string): void {
  command('mount', [...words, directory])
  mounted.add(directory)
}

/** Waits out processes that are still ending. */
export function unmount(directory: string): void {
  let said = ''
  for (let tries = 0; tries < busyTries; tries++) {
    const { status, stderr } = spawnSync('umount', [directory], { encoding: 'utf8' })
    if (status === 0) {
      mounted.delete(directory)
      return
    }
    said = stderr
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyPauseMs)
  }
  throw tortureFailed(`${directory} can't be unmounted: ${said.trim()}`)
}

/** For exit handlers: never throws, and does not wait. */
export function detachAllMounts(): void {
  for (const directory of mounted) spawnSync('umount', ['-l', directory])
  mounted.clear()
}

/** Runs a tool to its end and gives what it wrote; throws with its words if it fails. */
export function command(name: string, words: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(name, words, { encoding: 'utf8' })
  if (error !== undefined) throw tortureFailed(`${name} can't be run: ${error.message}`)
  if (status === 0) return stdout
  throw tortureFailed(`${name} ${words.join(' ')} failed: ${stderr.trim() || stdout.trim()}`)
}

export function tortureFailed(message: string): PinnacleError {
  return new PinnacleError('ERR_PINNACLE_TORTURE_FAILED', message)
}

/** Ends children that a killed run left stopped, and that hold its mounts. */
function endStaleChildren(top: string): string[] {
  const ended: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let line = ''
    try {
      line = readFileSync(path.join('/proc', pid, 'cmdline'), 'utf8')
    } catch {
      continue // it is gone
    }
    const ours = /\/torture\/(writer|follower)\.js\0/.test(line)
    if (!ours || !line.includes(`"dataDirectory":"${top}/`)) continue
    process.kill(Number(pid), 'SIGKILL')
    ended.push(`process ${pid}`)
  }
  return ended
}

/** Undoes processes, mounts and loop devices that a killed run left in `directory`; returns them. */
export function removeStale(directory: string): string[] {
  if (process.platform !== 'linux') return []
  const top = realpathSync(directory)
  const removed = endStaleChildren(top)
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n').reverse()) {
    const point = unescapeOctal(line.split(' ')[4] ?? '')
    if (!point.startsWith(`${top}/`)) continue
    command('umount', ['-l', point])
    removed.push(point)
  }
  for (const [device, file] of loopDevices()) {
    if (!file.startsWith(`${top}/`)) continue
    command('losetup', ['-d', device])
    removed.push(device)
  }
  return removed
}

/** Loop devices and their files. */
export function loopDevices(): [device: string, file: string][] {
  const devices: [string, string][] = []
  for (const name of readdirSync('/sys/block').filter((each) => /^loop\d+$/.test(each))) {
    try {
      const file = readFileSync(path.join('/sys/block', name, 'loop/backing_file'), 'utf8').trim()
      devices.push([`/dev/${name}`, file])
    } catch {
      // It has no file.
    }
  }
  return devices
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
