/**
 * Limits that a running process is put under, and that are lifted again while it runs. Where this machine or
 * this user can't set one, `unavailable` says why.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'

const mebibyte = 1024 * 1024

export interface Limit {
  readonly name: string
  /** Codes of which at least one must come, or the limit was none. */
  readonly codes: readonly string[]
  /** Root is not held to it, so the process runs as nobody where the test runs as root. */
  readonly asNobody: boolean
  readonly unavailable: string | undefined
  set(pid: number): void
  lift(pid: number): void
}

export const isRoot = process.getuid?.() === 0

function withoutPrlimit(): string | undefined {
  return spawnSync('prlimit', ['--version']).error === undefined ? undefined : 'needs prlimit'
}

function prlimit(pid: number, option: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), option], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`prlimit ${option}: ${stderr}`)
}

/** Of a resource: `least` is what the process must keep to go on at all. */
function resourceLimit(
  name: string,
  resource: string,
  codes: readonly string[],
  asNobody: boolean,
  least: (pid: number) => number,
): Limit {
  let before = ''
  return {
    name,
    codes,
    asNobody,
    unavailable: withoutPrlimit(),
    set(pid) {
      const { stdout } = spawnSync(
        'prlimit',
        ['--pid', String(pid), `--${resource}`, '--output', 'SOFT', '--noheadings', '--raw'],
        { encoding: 'utf8' },
      )
      before = stdout.trim()
      prlimit(pid, `--${resource}=${String(least(pid))}:`)
    },
    lift(pid) {
      prlimit(pid, `--${resource}=${before}:`)
    },
  }
}

function addressSpaceBytes(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  return Number(/VmSize:\s*(\d+)/.exec(status)?.[1]) * 1024
}

/** Open ones, so that the next is one too many. */
function descriptorsInUse(pid: number): number {
  const directory = `/proc/${String(pid)}/fd`
  let highest = 0
  for (const descriptor of readdirSync(directory)) {
    try {
      readlinkSync(`${directory}/${descriptor}`)
      highest = Math.max(highest, Number(descriptor))
    } catch {
      // It was closed meanwhile.
    }
  }
  return highest + 1
}

/** Of a control group of its own, version 1 or 2, whichever this machine has. */
function groupLimit(
  controller: 'pids' | 'memory',
  codes: readonly string[],
  files: { readonly first: string; readonly second: string },
  value: (group: string) => number,
): Limit {
  const first = existsSync(`/sys/fs/cgroup/${controller}`)
  const root = first ? `/sys/fs/cgroup/${controller}` : '/sys/fs/cgroup'
  const group = `${root}/pinnacle-test-${String(process.pid)}-${controller}`
  const file = `${group}/${first ? files.first : files.second}`
  const why = (): string | undefined => {
    if (!isRoot) return 'needs root'
    try {
      mkdirSync(group)
      const has = existsSync(file)
      rmdirSync(group)
      return has ? undefined : `the control groups here have no ${controller} controller`
    } catch (error) {
      return `no control group can be made: ${String(error)}`
    }
  }
  return {
    name: `a ${controller} cgroup`,
    codes,
    asNobody: false,
    unavailable: why(),
    set(pid) {
      mkdirSync(group)
      writeFileSync(`${group}/cgroup.procs`, String(pid))
      writeFileSync(file, String(value(group)))
    },
    lift(pid) {
      writeFileSync(`${root}/cgroup.procs`, String(pid))
      rmdirSync(group)
    },
  }
}

export function limits(): Limit[] {
  return [
    resourceLimit('ulimit -n', 'nofile', ['ERR_PINNACLE_TOO_MANY_FILES'], false, descriptorsInUse),
    resourceLimit('ulimit -u', 'nproc', ['ERR_PINNACLE_TOO_MANY_THREADS'], true, () => 1),
    // What V8 itself needs meanwhile has to fit, or Node ends the process.
    resourceLimit(
      'ulimit -v',
      'as',
      ['ERR_PINNACLE_OUT_OF_MEMORY'],
      false,
      (pid) => addressSpaceBytes(pid) + 96 * mebibyte,
    ),
    resourceLimit('ulimit -l', 'memlock', ['ERR_PINNACLE_NO_SPACE'], true, () => 0),
    resourceLimit('ulimit -f', 'fsize', ['ERR_PINNACLE_NO_SPACE'], false, () => 0),
    groupLimit(
      'pids',
      ['ERR_PINNACLE_TOO_MANY_THREADS'],
      { first: 'pids.max', second: 'pids.max' },
      (group) => Number(readFileSync(`${group}/pids.current`, 'utf8')),
    ),
    groupLimit(
      'memory',
      ['ERR_PINNACLE_OUT_OF_MEMORY'],
      { first: 'memory.limit_in_bytes', second: 'memory.max' },
      () => 160 * mebibyte,
    ),
  ]
}
