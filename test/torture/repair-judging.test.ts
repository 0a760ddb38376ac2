// The judge's verdict on repairs with one error. No engine runs: the outcomes are made from the flow, correct
// first, and then with a single fault.
import t from 'tap'
import type { RecoveryPolicy } from '../../lib/index.js'
import { pictureOfExpected } from '../../lib/torture/book-picture.js'
import type { Damage } from '../../lib/torture/damage.js'
import { expectedText } from '../../lib/torture/entry-text.js'
import { ExpectedState } from '../../lib/torture/expected-state.js'
import { instrumentCount, tortureInstruments } from '../../lib/torture/flow.js'
import { judgeRepair } from '../../lib/torture/judge-repair.js'
import type { RepairEvidence } from '../../lib/torture/repair-evidence.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { rangesOf, type Range } from '../../lib/torture/ranges.js'
import type { Opened, RepairOutcome, SeenEntry } from '../../lib/torture/repair-outcome.js'

const { eventOf } = new Oracle(4711)
const acknowledged = 300

function evidenceOf(lost: Range[], snapshot = 0, firstSequence = 1): RepairEvidence {
  const damage: Damage = { kind: 'flip', what: '', files: [], lost, firstSequence, snapshot }
  return { damage, acknowledged, machine: true, eventOf }
}

function entry(sequence: number): SeenEntry {
  return { sequence, text: expectedText(sequence, eventOf(sequence)) }
}

/** Entries, with holes in the place of omitted ones. */
function steps(first: number, last: number, left: readonly Range[]): SeenEntry[] {
  const seen: SeenEntry[] = []
  for (let sequence = first; sequence <= last; sequence++) {
    const hole = left.find(([begin, end]) => begin <= sequence && sequence <= end)
    if (hole === undefined) seen.push(entry(sequence))
    else {
      seen.push({ hole: [Math.max(first, hole[0]), Math.min(last, hole[1])] })
      sequence = hole[1]
    }
  }
  return seen
}

/** The result of a correct recovery that keeps entries to `last` except for the omitted ones. */
function openedTo(last: number, { damage }: RepairEvidence, left: readonly Range[] = []): Opened {
  const state = new ExpectedState()
  const defined: string[] = []
  for (let sequence = 1; sequence <= last; sequence++) {
    if (left.some(([begin, end]) => begin <= sequence && sequence <= end)) continue
    const event = eventOf(sequence)
    if (event === undefined) defined.push(tortureInstruments[sequence - 1]?.name ?? '')
    else state.apply(sequence, event)
  }
  const books = state.books.map(
    (book, index) => [tortureInstruments[index]?.name ?? '', pictureOfExpected(book)] as const,
  )
  return {
    lastSequence: last,
    history: steps(damage.firstSequence, last, left),
    historyFailure: '',
    tail: last > damage.snapshot ? steps(damage.snapshot + 1, last, left) : [],
    books: Object.fromEntries(books.filter(([name]) => defined.includes(name))),
    ledger: { ...state.ledger.picture(), holes: [...left] },
  }
}

/** Lost entries, and those that need one of them. */
function leftBySalvage(lost: readonly Range[]): Range[] {
  const state = new ExpectedState()
  const left: number[] = []
  for (let sequence = instrumentCount + 1; sequence <= acknowledged; sequence++) {
    const event = eventOf(sequence)
    if (event === undefined) continue
    const isLost = lost.some(([begin, end]) => begin <= sequence && sequence <= end)
    if (isLost || !state.fits(event)) left.push(sequence)
    else state.apply(sequence, event)
  }
  return rangesOf(left)
}

function outcomeOf(policy: RecoveryPolicy, opened: Opened): RepairOutcome {
  return {
    policy,
    tool: 'api',
    repair: { opened },
    changed: [],
    reopened: { opened: structuredClone(opened) },
    continued: { appended: opened.lastSequence + 1, recovered: opened.lastSequence + 1 },
    vanished: [],
  }
}

function refusedBy(policy: RecoveryPolicy, code = 'ERR_PINNACLE_CORRUPT'): RepairOutcome {
  const repair = { refused: { code, message: 'no' } }
  return { policy, tool: 'api', repair, changed: [], vanished: [] }
}

/** An entry that later ones need: without it there is more than one hole. */
const needed = Array.from({ length: 100 }, (_, at) => at + 150).find(
  (sequence) => leftBySalvage([[sequence, sequence]]).length > 1,
)
if (needed === undefined) throw new Error('the flow has no entry that others need')
const flipped = evidenceOf([[needed, needed]])
const left = leftBySalvage([[needed, needed]])
const dependent = left[1]?.[0] ?? 0
/** A later entry outside of the holes. */
const later = dependent + 10

/** A correct outcome, with one thing changed. */
function strictly(change: (opened: Opened) => void, evidence = evidenceOf([])): string[] {
  return changed('strict', openedTo(acknowledged, evidence), evidence, change)
}

function salvaged(change: (opened: Opened) => void): string[] {
  return changed('salvage', openedTo(acknowledged, flipped, left), flipped, change)
}

function changed(
  policy: RecoveryPolicy,
  opened: Opened,
  evidence: RepairEvidence,
  change: (opened: Opened) => void,
): string[] {
  change(opened)
  return judgeRepair(evidence, outcomeOf(policy, opened))
}

t.test('repairs that keep what each policy owes are right', async (t) => {
  t.same(
    strictly(() => undefined),
    [],
    'strict gives everything',
  )
  t.same(judgeRepair(flipped, refusedBy('strict')), [], 'or refuses')
  const prefix = outcomeOf('point-in-time', openedTo(needed - 1, flipped))
  t.same(judgeRepair(flipped, prefix), [])
  t.same(
    salvaged(() => undefined),
    [],
  )
  const tailLost = evidenceOf([[290, acknowledged]])
  for (const policy of ['point-in-time', 'salvage'] as const) {
    t.same(judgeRepair(tailLost, outcomeOf(policy, openedTo(289, tailLost))), [])
  }
  const hole = outcomeOf('salvage', openedTo(acknowledged, tailLost, [[290, acknowledged]]))
  t.same(judgeRepair(tailLost, hole), [], 'a hole at the end may be said or not')
})

t.test('what a snapshot covers needs no entries', async (t) => {
  const covered = evidenceOf([[40, 40]], 100, 20)
  for (const policy of ['strict', 'point-in-time', 'salvage'] as const) {
    const opened = openedTo(acknowledged, covered)
    opened.history = steps(20, 39, [])
    opened.historyFailure = 'ERR_PINNACLE_CORRUPT: entry 40'
    t.same(judgeRepair(covered, outcomeOf(policy, opened)), [], policy)
  }
  const before = outcomeOf('point-in-time', openedTo(39, covered))
  t.same(judgeRepair(covered, before), [], 'point-in-time may go back to before the damage')
  const unread = strictly((opened) => (opened.historyFailure = 'ERR_PINNACLE_IO: gone'))
  t.match(unread, [/the entries can't be read: ERR_PINNACLE_IO/])
  const late = judgeRepair(
    evidenceOf([], 100),
    outcomeOf('strict', { ...openedTo(acknowledged, evidenceOf([], 100)), tail: [] }),
  )
  t.match(late[0], /the snapshot ends at entry 100, the entries after it begin at 0/)
})

t.test('strict must not open without an acknowledged entry', async (t) => {
  const lost = evidenceOf([[280, acknowledged]])
  const cut = judgeRepair(lost, outcomeOf('strict', openedTo(279, lost)))
  t.match(cut, [/^strict \(api\): opened to entry 279, and entries 280 to 300 were acknowledged/])
  const holes = judgeRepair(flipped, outcomeOf('strict', openedTo(acknowledged, flipped, left)))
  t.match(holes, [`entry ${String(needed)} is whole and is left out`])
  const all = strictly((opened) => (opened.lastSequence = 299))
  t.ok(all.some((what) => /opened to entry 299|ends at 300/.test(what)))
})

t.test('a refusal has a code, changes nothing, and gives up nothing that is whole', async (t) => {
  t.match(judgeRepair(flipped, refusedBy('strict', 'no code')), [/failed without a code: no/])
  const meddled = { ...refusedBy('strict'), changed: ['journal/1.segment'] }
  t.match(judgeRepair(flipped, meddled), [/refused \(.*\) and changed journal\/1.segment/])
  for (const policy of ['point-in-time', 'salvage'] as const) {
    t.match(judgeRepair(flipped, refusedBy(policy)), [
      /refused, and could start from what is whole/,
    ])
    t.same(judgeRepair(evidenceOf([[1, 120]]), refusedBy(policy)), [], 'nothing to start from')
    t.same(judgeRepair(evidenceOf([[50, 120]], 60, 50), refusedBy(policy)), [], 'nor with a gap')
    t.match(judgeRepair(evidenceOf([[50, 60]], 60, 50), refusedBy(policy)), [/could start/])
  }
  const left = { ...refusedBy('salvage'), tool: 'cli' } as const
  t.same(
    judgeRepair(flipped, left),
    [],
    'the command line may leave a salvage to the state machine',
  )
  t.match(judgeRepair({ ...flipped, machine: false }, left), [/could start/])
})

t.test('an invented, changed, skipped or repeated entry is seen', async (t) => {
  const invented = openedTo(acknowledged, evidenceOf([]))
  invented.history.push(entry(acknowledged + 1))
  const said = judgeRepair(evidenceOf([]), outcomeOf('strict', invented))
  t.match(said, [/history: entry 301 is there, and 300 was the last/])
  const wrong = {
    another: (seen: SeenEntry[]) => (seen[150] = { ...seen[150], text: 'user, 1' } as SeenEntry),
    skipped: (seen: SeenEntry[]) => seen.splice(150, 1),
    repeated: (seen: SeenEntry[]) => seen.splice(150, 0, seen[149] as SeenEntry),
    // Sequences that continue as if nothing were lost.
    renumbered: (seen: SeenEntry[]) =>
      seen.splice(150, 1, { ...(seen[151] as { text: string }), sequence: 151 }),
  }
  const expected = {
    another: /entry 151 is \[user, 1\], not \[/,
    skipped: /entry 152 comes after entry 150/,
    repeated: /entry 150 comes after entry 150/,
    renumbered: /entry 151 is \[.*\], not \[/,
  }
  for (const [name, change] of Object.entries(wrong)) {
    for (const part of ['history', 'tail'] as const) {
      const violations = strictly((opened) => void change(opened[part]))
      t.match(violations, [expected[name as keyof typeof expected]], `${name} in the ${part}`)
    }
  }
  t.match(
    strictly((opened) => void opened.history.pop()),
    [/the entries end at 299, and 300 is reported as the last/],
  )
  t.match(
    strictly((opened) => void opened.tail.pop()),
    [/entries to 300 are reported, reading them ends at 299/],
  )
})

t.test('point-in-time keeps a prefix, up to the damage at least', async (t) => {
  const short = judgeRepair(flipped, outcomeOf('point-in-time', openedTo(120, flipped)))
  t.match(short, [`opened to entry 120, and entries 121 to ${String(needed - 1)} are whole`])
  const holed = openedTo(acknowledged, flipped, left)
  const beyond = judgeRepair(flipped, outcomeOf('point-in-time', holed))
  t.match(
    beyond,
    [`entry ${String(needed)} is whole and is left out`],
    'the order of events stays whole',
  )
})

t.test('salvage keeps every later entry that fits, and says which it does not', async (t) => {
  const more = leftBySalvage([
    [needed, needed],
    [later, later],
  ])
  const dropped = outcomeOf('salvage', openedTo(acknowledged, flipped, more))
  t.match(judgeRepair(flipped, dropped), [`entry ${String(later)} is whole and is left out`])
  const early = outcomeOf(
    'salvage',
    openedTo(
      later,
      flipped,
      left.filter(([at]) => at < later),
    ),
  )
  t.match(judgeRepair(flipped, early), [/entry \d+ is whole and is left out/])

  // The entry that needs the lost one is kept as if it did not.
  const kept = salvaged((opened) => {
    opened.tail = steps(
      1,
      acknowledged,
      left.filter(([first]) => first !== dependent),
    )
  })
  t.match(kept, [`entry ${String(dependent)} is kept, and what it needs is not`])
  const untold = salvaged((opened) => {
    opened.tail = opened.tail.filter((step) => !('hole' in step))
  })
  t.match(untold, [`comes after entry ${String(needed - 1)}`], 'a gap without a hole')
})

t.test('books and state machine must be those of the kept entries', async (t) => {
  t.match(
    salvaged((opened) => (opened.books['ALPHA'] = ['bid 1: 1 in 1: 1 x 1', 'orders: 1'])),
    [/ALPHA is not that of the kept entries: "bid 1: 1 in 1: 1 x 1", "/],
  )
  t.match(
    salvaged((opened) => (opened.books['DELTA'] = (opened.books['DELTA'] ?? []).slice(1))),
    [/DELTA is not that of the kept entries/],
  )
  t.match(
    salvaged((opened) => delete opened.books['BRAVO']),
    [/the instruments are ALPHA,CHARLIE,DELTA, not/],
  )
  const whole = openedTo(acknowledged, evidenceOf([]))
  const tailLost = evidenceOf([[290, acknowledged]])
  const books = { ...openedTo(289, tailLost), books: whole.books }
  t.match(
    judgeRepair(tailLost, outcomeOf('point-in-time', books)),
    [/is not that of the kept entries/],
    'books as if nothing were lost',
  )
  t.match(
    salvaged((opened) => (opened.ledger = { ...whole.ledger!, entries: 3 })),
    [/state machine's state is not that of the kept entries: entries 3,/, /given holes/],
  )
  t.match(
    salvaged((opened) => opened.ledger?.holes.splice(1)),
    [`the state machine was given holes ${String(needed)}, not ${String(needed)}, `],
  )
  const pieces = salvaged((opened) => {
    const ledger = opened.ledger
    if (ledger === undefined) return
    ledger.holes = ledger.holes.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, at): Range => [first + at, first + at]),
    )
  })
  t.same(pieces, [], 'holes may come in pieces')
})

t.test('entries of an instrument whose definition is lost can not be kept', async (t) => {
  const lost = evidenceOf([[4, 4]])
  const levels = Array.from({ length: acknowledged - 4 }, (_, at) => at + 5).filter((sequence) => {
    const event = eventOf(sequence)
    const index = event?.kind === 'order' ? event.operation.instrument : 3
    return event?.kind !== 'payload' && index === 3
  })
  const without = openedTo(acknowledged, lost, rangesOf([4, ...levels]))
  t.same(judgeRepair(lost, outcomeOf('salvage', without)), [])
  const kept = judgeRepair(lost, outcomeOf('salvage', openedTo(acknowledged, lost, [[4, 4]])))
  t.match(kept, [/is kept, and what it needs is not/])

  // Without the first definition the next ones are out of order.
  const first = evidenceOf([[1, 1]])
  const books = Array.from({ length: acknowledged }, (_, at) => at + 1).filter(
    (sequence) => eventOf(sequence)?.kind !== 'payload',
  )
  const none = openedTo(acknowledged, first, rangesOf(books))
  t.same(judgeRepair(first, outcomeOf('salvage', none)), [], 'they may be left out')
})

t.test('a hole may begin before the snapshot, which covers its beginning', async (t) => {
  const across = evidenceOf([[90, 110]], 100)
  const opened = openedTo(acknowledged, across, leftBySalvage([[101, 110]]))
  opened.tail[0] = { hole: [90, 110] }
  opened.ledger?.holes.splice(0, 1, [90, 110])
  t.same(judgeRepair(across, outcomeOf('salvage', opened)), [])
})

t.test('what is said, and what comes after the repair, must be right too', async (t) => {
  const prefix = (): RepairOutcome => outcomeOf('point-in-time', openedTo(needed - 1, flipped))
  const judged = (change: Partial<RepairOutcome>): string[] =>
    judgeRepair(flipped, { ...prefix(), ...change })
  t.match(judged({ saidToKeep: 10 }), [`keeps entries to 10, ${String(needed - 1)} is the last`])
  t.match(judged({ saidClean: true }), [`are missing: ${String(needed)} to 300`])
  t.match(judged({ vanished: ['1.segment'] }), [/1.segment: the damaged bytes are not in quar/])
  const refused = { refused: { code: 'ERR_PINNACLE_CORRUPT', message: 'still' } }
  t.match(judged({ reopened: refused }), [/the next strict open is refused: .*: still/])
  const other = openedTo(needed - 2, flipped)
  t.match(judged({ reopened: { opened: other } })[0], /next open gives another result: lastSeq/)
  t.match(judged({ continued: { appended: 1, recovered: 1 } }), [/append gets 1, and the next/])
  const short = { appended: needed, recovered: needed - 1 }
  t.match(judged({ continued: short }), [`the next open ends at ${String(needed - 1)}`])
  t.match(judged({ continued: refused }), [/an append after it, and an open, fail/])
  const never = prefix()
  delete never.reopened
  t.match(judgeRepair(flipped, never), [/was never opened again/])
})
