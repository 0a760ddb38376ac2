// User types 0 to 95 are the users', 96 to 127 this package's: no public way journals one of those.
import t, { type Test } from 'tap'
import {
  appendReserved,
  isFeedType,
  lastUsersType,
  lastUserType,
  UserType,
} from '../../lib/registry/user-types.js'
import { Journal, PersistenceManager, type JournalEntry, type UserEntry } from '../../lib/index.js'

const bytes = Buffer.from('payload')
const line = Buffer.alloc(32, 1)
/** Above the staging area. */
const large = Buffer.alloc(300_000, 2)

type Append = (journal: Journal, userType: number) => unknown

/** Every public way to journal a payload. */
const ways: Readonly<Record<string, Append>> = {
  append: (journal, userType) => journal.append(userType, bytes),
  'append of one line': (journal, userType) => journal.append(userType, line),
  'append of a large payload': (journal, userType) => journal.append(userType, large),
  'append with a given time': (journal, userType) =>
    journal.append(userType, bytes, { timestampNs: 5n }),
  lanes: (journal, userType) => journal.appendLanes(userType, 4),
  'lanes with a given time': (journal, userType) => journal.appendLanes(userType, 4, 7),
  batch: (journal, userType) => journal.appendBatch(userType, [bytes, bytes]),
  'batch with a given time': (journal, userType) =>
    journal.appendBatch(userType, [bytes, bytes], { timestampNs: 5n }),
  'batch of unlike payloads': (journal, userType) => journal.appendBatch(userType, [bytes, line]),
  'batch of lanes': (journal, userType) => journal.appendLanesBatch(userType, 2, 3),
  'append in a transaction': (journal, userType) =>
    journal.transaction(() => journal.append(userType, bytes)),
  'lanes in a transaction': (journal, userType) =>
    journal.transaction(() => journal.appendLanes(userType, 4)),
  'batch in a transaction': (journal, userType) =>
    journal.transaction(() => journal.appendBatch(userType, [bytes, bytes])),
}

async function assertWays(t: Test, journal: Journal): Promise<void> {
  for (const [name, append] of Object.entries(ways)) {
    const before = journal.appendedFrontier
    for (const userType of [96, 102, 110, 127]) {
      t.throws(
        () => append(journal, userType),
        {
          code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE',
          message: new RegExp(`type ${String(userType)} is reserved .*use one from 0 to 95`),
        },
        `${name}: ${String(userType)}`,
      )
    }
    // (256 and 512 are flags of the type's lane.)
    for (const userType of [128, 255, 256, 261, 517, 773, 1024, -1, 1.5, NaN, 2 ** 32 + 5]) {
      t.throws(
        () => append(journal, userType),
        { code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE', message: /integer from 0 to 95/ },
        `${name}: ${String(userType)}`,
      )
    }
    for (const userType of ['5', 5n, null, undefined, Symbol('5'), {}]) {
      t.throws(
        () => append(journal, userType as number),
        { code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE' },
        `${name}: ${typeof userType}`,
      )
    }
    t.equal(journal.appendedFrontier, before, `${name}: nothing was journaled`)
    for (const userType of [0, lastUsersType]) append(journal, userType)
    t.ok(journal.appendedFrontier > before, `${name}: the users' own are`)
  }
  for await (const entry of journal.entries()) {
    if (entry.type === 'user') t.ok(entry.userType <= lastUsersType)
  }
}

t.test('a journal on its own refuses reserved user types in every way', async (t) => {
  await using journal = await Journal.open({ dataDirectory: t.testdir() })
  await assertWays(t, journal)
})

t.test('a journal with a state machine refuses reserved user types in every way', async (t) => {
  const applied: number[] = []
  await using manager = await PersistenceManager.open({
    dataDirectory: t.testdir(),
    snapshotIntervalMin: 0,
    stateMachine: {
      apply: ({ userType }) => applied.push(userType),
      snapshot: () => bytes,
      restore: () => undefined,
    },
  })
  t.throws(() => manager.append(96, bytes), { code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE' })
  await assertWays(t, manager.journal)
  t.ok(applied.length > 0)
  t.same(
    applied.filter((userType) => userType > lastUsersType),
    [],
  )
})

t.test('modules of this package journal reserved user types, and those are read', async (t) => {
  const dataDirectory = t.testdir()
  {
    await using journal = await Journal.open({ dataDirectory })
    for (const payload of [bytes, line, large]) journal[appendReserved](UserType.flow, payload)
    journal[appendReserved](lastUserType, bytes, { timestampNs: 5n })
    journal.transaction(() => {
      journal[appendReserved](UserType.feed.raw, bytes)
      journal.append(0, bytes)
    })
    for (const userType of [128, 261, -1, NaN, '5']) {
      t.throws(() => journal[appendReserved](userType as number, bytes), {
        code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE',
      })
    }
  }
  const read: UserEntry[] = []
  for await (const entry of Journal.read(dataDirectory)) if (isUser(entry)) read.push(entry)
  t.same(
    read.map(({ userType, payload }) => [userType, payload.byteLength]),
    [
      [110, bytes.length],
      [110, line.length],
      [110, large.length],
      [127, bytes.length],
      [102, bytes.length],
      [0, bytes.length],
    ],
  )
  t.equal(read[3]?.timestampNs, 5n)
})

t.test('no user type has two owners', async (t) => {
  const { feed, flow, torture } = UserType
  const reserved = [...Object.values(feed), flow, ...Object.values(torture)]
  t.equal(new Set(reserved).size, reserved.length)
  for (const userType of reserved) t.ok(userType > lastUsersType && userType <= lastUserType)
  for (let userType = 0; userType <= lastUserType; userType++) {
    t.equal(isFeedType(userType), userType >= 96 && userType <= 109)
  }
})

function isUser(entry: JournalEntry): entry is UserEntry {
  return entry.type === 'user'
}
