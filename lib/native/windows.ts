/** What the addon says of windows; part of binding.ts. */

/** What an earlier writer that did not close left in memory. */
export interface NativeWindowFinding {
  /**
   * 'none': the writer closed, or had none; 'used': what only the window had is in the segment files now;
   * 'other-boot': it was of an earlier boot, so memory holds nothing of it; 'gone': the file is not there, and what
   * was not yet written is lost; 'refused': it is there and can't be used.
   */
  readonly fate: 'none' | 'used' | 'other-boot' | 'gone' | 'refused'
  /** Path of the window's file; '': none. */
  readonly path: string
  /** Why it is gone or refused; of a used one, what is wrong after its last entry; '': nothing. */
  readonly reason: string
  /** Entries that only the window had. */
  readonly entries: number
  /** The last of them; 0: none. */
  readonly lastSequence: number
}

/** A window that a directory in memory holds. */
export interface NativeFoundWindow {
  /** Path of its file. */
  readonly path: string
  /**
   * 'in-use': a writer has it; 'needed': the next open of its directory takes what it has; 'left-over': its directory
   * no longer names it; 'other-boot': of an earlier boot; 'no-directory': its directory is not found;
   * 'refused': an open set it aside; 'unreadable': no header that verifies.
   */
  readonly state: 'in-use' | 'needed' | 'left-over' | 'other-boot' | 'no-directory' | 'refused' | 'unreadable'
  /** The data directory that it was made for; '': not known. */
  readonly dataDirectory: string
  /** Bytes of the file. */
  readonly bytes: number
  /** Id of the process that made it; 0: not known. */
  readonly pid: number
  /** When it was made: ns since 1970-01-01 UTC. */
  readonly createdNs: bigint
  /** Why it is kept; '': it is not. */
  readonly reason: string
  /** true: it was removed. */
  readonly removed: boolean
}
