/**
 * The user types of journal entries, and who has which. Users have 0 to 95; the rest are reserved for modules of this
 * package, and only `appendReserved` journals them. A new module takes its numbers here. Numbers are part of the
 * format: one that was given away is never used for something else.
 */

export const lastUsersType = 95
export const lastUserType = 127

/** 96 to 109 are the feeds'. */
const feed = {
  frame: 96,
  trade: 97,
  ticker: 98,
  bookSnapshot: 99,
  gap: 100,
  connection: 101,
  raw: 102,
  quarantined: 103,
  heartbeat: 104,
} as const

export const UserType = {
  feed,
  /** Marks and notes of order flow. Version 0.1.0 wrote them as 102: old-flow-entries.ts. */
  flow: 110,
  torture: {
    fill: 111,
    /** What only a fork of a tortured directory has. */
    fork: 127,
  },
  audit: {
    /** One of the users', but in a journal of its own, which has no entries of users. */
    line: 1,
  },
} as const

const lastFeedType = 109

/** Whether the user type is one of the feeds', also one that has no entry yet. */
export function isFeedType(userType: number): boolean {
  return userType >= feed.frame && userType <= lastFeedType
}

/** The key of the method that journals entries of reserved types, for modules of this package. */
export const appendReserved = Symbol('appendReserved')
