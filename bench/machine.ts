/** The machine that the figures were measured on. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import os from 'node:os'

import { root } from './root.js'

export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  kernel: string
  fileSystem: string
  node: string
  loadAverage: number
  /** Of the run, as year-month-day. */
  date: string
  /** Of the checkout, shortened; 'unknown' outside of one. */
  commit: string
}

export function describeMachine(directory: string): Machine {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: fileSystemOf(directory),
    node: process.version,
    loadAverage: os.loadavg()[0] ?? 0,
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(root),
  }
}

function commitOf(checkout: string): string {
  try {
    const options = { cwd: checkout, encoding: 'utf8' } as const
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim()
  } catch {
    return 'unknown'
  }
}

function fileSystemOf(directory: string): string {
  try {
    const lines = execFileSync('df', ['-T', directory], { encoding: 'utf8' }).trim().split('\n')
    return lines.at(-1)?.split(/\s+/)[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/**
 * Bytes that all programs have made the block device under `directory` write so far; undefined if the system
 * does not say (Linux does).
 */
export function deviceBytesWritten(directory: string): number | undefined {
  const { dev } = statSync(directory)
  const major = (dev >>> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  try {
    const fields = readFileSync(`/sys/dev/block/${String(major)}:${String(minor)}/stat`, 'utf8')
    return Number(fields.trim().split(/\s+/)[6]) * 512
  } catch {
    return undefined
  }
}
