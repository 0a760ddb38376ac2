/**
 * Limits that are set for a running process, and lifted again while it runs. If this machine or this user
 * can't set one, `unavailable` says why.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const mebibyte = 1024 * 1024

export interface Limit {
  readonly name: string
  /** At least one of these codes must come, or the limit had no effect. */
  readonly codes: readonly string[]
  /** Root is exempt from it, so the process runs as another user if the test runs as root. */
  readonly asNobody: boolean
  /** Reaching it takes much memory. */
  readonly ofMemory: boolean
  readonly unavailable: string | undefined
  set(pid: number): void
  lift(pid: number): void
  /** Removes what was made for it. */
  remove(): void
}

export const isRoot = process.getuid?.() === 0
export const nobody = 65534

function withoutPrlimit(): string | undefined {
  return spawnSync('prlimit', ['--version']).error === undefined ? undefined : 'needs prlimit'
}

/** Another user can't run anything below a directory that belongs to root alone. */
function withoutNobody(): string | undefined {
  if (!isRoot) return undefined
  const own = fileURLToPath(import.meta.url)
  const { status } = spawnSync('cat', [own], { uid: nobody, gid: nobody, stdio: 'ignore' })
  return status === 0 ? undefined : 'the user nobody can not read this checkout'
}

/** Runs as the process's own user: root may lack the right to change others' limits. */
function prlimit(pid: number, asNobody: boolean, ...options: string[]): string {
  const { status, stdout, stderr } = spawnSync('prlimit', ['--pid', String(pid), ...options], {
    encoding: 'utf8',
    ...(asNobody && isRoot ? { uid: nobody, gid: nobody } : {}),
  })
  if (status !== 0) throw new Error(`prlimit ${options.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** A limit of one resource: `least` is what the process must keep to go on at all. */
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
    ofMemory: resource === 'as',
    unavailable: withoutPrlimit() ?? (asNobody ? withoutNobody() : undefined),
    set(pid) {
      const shown = ['--output', 'SOFT', '--noheadings', '--raw']
      before = prlimit(pid, asNobody, `--${resource}`, ...shown)
      prlimit(pid, asNobody, `--${resource}=${String(least(pid))}:`)
    },
    lift(pid) {
      prlimit(pid, asNobody, `--${resource}=${before}:`)
    },
    remove() {
      // A limit of the process ends with it.
    },
  }
}

function addressSpaceBytes(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  return Number(/VmSize:\s*(\d+)/.exec(status)?.[1]) * 1024
}

/** The lowest free descriptor, so that the next one is one too many. */
function nextDescriptor(pid: number): number {
  const open = new Set(readdirSync(`/proc/${String(pid)}/fd`).map(Number))
  let next = 0
  while (open.has(next)) next++
  return next
}

/** A limit of a separate control group, version 1 or 2, whichever this machine has. */
function groupLimit(
  controller: 'pids' | 'memory',
  codes: readonly string[],
  files: { readonly first: string; readonly second: string },
  value: () => number,
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
    ofMemory: controller === 'memory',
    unavailable: why(),
    set(pid) {
      mkdirSync(group)
      writeFileSync(`${group}/cgroup.procs`, String(pid))
      writeFileSync(file, String(value()))
    },
    lift(pid) {
      writeFileSync(`${root}/cgroup.procs`, String(pid))
    },
    remove() {
      if (existsSync(group)) rmdirSync(group)
    },
  }
}

export function limits(): Limit[] {
  return [
    resourceLimit('ulimit -n', 'nofile', ['ERR_PINNACLE_TOO_MANY_FILES'], false, nextDescriptor),
    resourceLimit('ulimit -u', 'nproc', ['ERR_PINNACLE_TOO_MANY_THREADS'], true, () => 1),
    // V8's own needs must fit, or Node ends the process.
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
      // Below the number of running threads: none ends, none starts. (The kernel's count lags.)
      () => 1,
    ),
    groupLimit(
      'memory',
      ['ERR_PINNACLE_OUT_OF_MEMORY'],
      { first: 'memory.limit_in_bytes', second: 'memory.max' },
      () => 160 * mebibyte,
    ),
  ]
}
