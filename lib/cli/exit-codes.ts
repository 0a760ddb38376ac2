/** What the process's exit says; docs/cli.md lists them. */
export const ExitCode = {
  /** Done; for verify: every checksum matches, and a strict open takes the directory as it is. */
  Ok: 0,
  /** It failed; the error says why. */
  Error: 1,
  /** The command line or the configuration is wrong; nothing was done. */
  Usage: 2,
  /** The journal ends in a torn tail, which the next open cuts. */
  Torn: 3,
  /** Something that was durable is damaged: a strict open refuses. */
  Corrupt: 4,
  /** A torture found that a promise was broken. */
  Violation: 5,
  /**
   * A strict open takes the directory, but something that it does not need is damaged. Of backups: the one that was
   * made is sound, but something else that was met is damaged.
   */
  Damaged: 6,
  /** Of stats: entries wait and no frontier moves, or the writer does not report. */
  Stalled: 7,
  /** Of stats: the writer's journal has failed. */
  Failed: 8,
  /** Of stats: no process has the directory open. */
  NoWriter: 9,
  /** Ended by Ctrl-C; what was done is kept. */
  Interrupted: 130,
  /** Ended by SIGTERM; what was done is kept. */
  Terminated: 143,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

const corruptCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_CORRUPT',
  'ERR_PINNACLE_SNAPSHOT_CORRUPT',
  'ERR_PINNACLE_JOURNAL_GAP',
  'ERR_PINNACLE_HISTORY_CORRUPT',
  'ERR_PINNACLE_BACKUP_CORRUPT',
])

export function exitCodeOf(errorCode: string): ExitCode {
  if (errorCode === 'ERR_PINNACLE_USAGE' || errorCode.startsWith('ERR_PINNACLE_CONFIG')) {
    return ExitCode.Usage
  }
  return corruptCodes.has(errorCode) ? ExitCode.Corrupt : ExitCode.Error
}
