// The records of followers, and the judge's verdict on records with one error.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { expectedText } from '../../lib/torture/entry-text.js'
import { SightingFiles, SightingJudge } from '../../lib/torture/judge-sightings.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { overtakenLine } from '../../lib/torture/sighting-log.js'

const flowSeed = 4711
const { eventOf } = new Oracle(flowSeed)

function right(sequence: number): string {
  return `${String(sequence)} ${expectedText(sequence, eventOf(sequence))}`
}

function rightLines(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => right(first + index))
}

function judged(lines: readonly string[], atMost = 200): string {
  const judge = new SightingJudge('the follower', eventOf)
  let wrong = ''
  for (const line of lines) wrong = judge.judge(line, atMost)
  return wrong
}

t.test('a gapless prefix is right, from any place where the follower began', async (t) => {
  t.equal(judged(rightLines(1, 200)), '')
  t.equal(judged(rightLines(57, 90)), '')
  const overtaken = [...rightLines(1, 20), overtakenLine, ...rightLines(60, 80)]
  t.equal(judged(overtaken), '', 'compaction may overtake it')
})

t.test('an entry that is skipped, repeated or invented is seen', async (t) => {
  t.match(judged([...rightLines(1, 20), right(22)]), /saw entry 22 after 20, with a gap/)
  t.match(judged([...rightLines(1, 20), right(20)]), /saw entry 20 after 20$/)
  t.match(judged([...rightLines(1, 20), right(7)]), /saw entry 7 after 20$/)
  const back = [...rightLines(50, 60), overtakenLine, ...rightLines(40, 45)]
  t.match(judged(back), /saw entry 40 after 60$/, 'compaction takes it forward only')
  const late = [...rightLines(1, 20), overtakenLine, ...rightLines(60, 70), right(75)]
  t.match(judged(late), /saw entry 75 after 70, with a gap/, 'one jump for each compaction')
  t.match(judged(rightLines(1, 20), 19), /saw entry 20, and only 19 were ever attempted/)
})

t.test('an entry with the content of another is seen, and so is every line after it', async (t) => {
  const swapped = `8 ${expectedText(9, eventOf(9))}`
  const wrong = judged([...rightLines(1, 7), swapped, ...rightLines(9, 20)])
  t.match(wrong, /^the follower saw that entry 8 is \[.*\], not \[.*\]$/)
  t.match(judged(['not a line']), /without a sequence/)
})

t.test('records are read on from cycle to cycle; half a line waits for its rest', async (t) => {
  const file = join(t.testdir(), 'follower-1.log')
  const files = new SightingFiles(eventOf)
  t.same(files.judge([file], 200), [], 'a follower that saw nothing yet')
  writeFileSync(file, `${right(5)}\n${right(6).slice(0, 3)}`)
  t.same(files.judge([file], 200), [])
  appendFileSync(file, `${right(6).slice(3)}\n`)
  t.same(files.judge([file], 200), [])
  appendFileSync(file, `${right(8)}\n`)
  t.match(files.judge([file], 200), [/^follower-1 saw entry 8 after 6/])
})
