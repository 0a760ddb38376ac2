/** What the addon says of windows; part of binding.ts. */

/** What an earlier writer that did not close left in memory. */
export interface NativeWindowFinding {
  /**
   * 'none': the writer closed, or had none; 'used': what only the window had is in the segment files now;
   * 'other-boot': it was of an earlier boot, so memory holds nothing of it; 'gone': the file is not there, and what
   * was not yet written is lost; 'refused': it is there and can't be used.
   */
  fate: 'none' | 'used' | 'other-boot' | 'gone' | 'refused'
  path: string // '': none
  reason: string // of 'gone' and 'refused'; of 'used': what is wrong after its last entry, if anything
  entries: number // that only the window had
  lastSequence: number // the last of them, 0: none
}

export interface NativeFoundWindow {
  path: string
  /**
   * 'in-use': a writer has it; 'needed': the next open of its directory takes what it has; 'left-over': its directory
   * no longer names it; 'other-boot': of an earlier boot; 'no-directory': its directory is not found;
   * 'refused': an open set it aside; 'unreadable': no header that verifies.
   */
  state: 'in-use' | 'needed' | 'left-over' | 'other-boot' | 'no-directory' | 'refused' | 'unreadable'
  dataDirectory: string // that it was made for; '': not known
  bytes: number
  pid: number // of the writer that made it; 0: not known
  createdNs: bigint
  reason: string // why it is kept
  removed: boolean
}
