// .ci/run and the workflow run the same stages by the same script.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { node } from '../children.js'

const stages = execFileSync(...node('scripts/ci.mjs', '--list'), { encoding: 'utf8' })
  .trim()
  .split('\n')
const workflow = readFileSync('.github/workflows/test.yml', 'utf8')
const runs = [...workflow.matchAll(/^ *- run: (.*)$/gm)].map(([, command = '']) => command)

t.test('every stage is in the workflow, and no other', async (t) => {
  const list = /^ +stages:\n((?: +- .*\n)+)/m.exec(workflow)?.[1] ?? ''
  const ofMatrix = list.replace(/^ +- /gm, '').trim()
  const named = runs
    .filter((command) => command.startsWith('node scripts/ci.mjs '))
    .map((command) => command.replace('node scripts/ci.mjs', ''))
    .map((words) => words.replace('${{ matrix.stages }}', ofMatrix))
    .flatMap((words) => words.trim().split(/\s+/))
  t.same([...new Set(named)].sort(), [...stages].sort())
  t.ok(stages.length >= 12)
})

t.test('the workflow checks nothing by other commands', async (t) => {
  const others = runs.filter((command) => !command.startsWith('node scripts/ci.mjs '))
  t.same(others, ['sudo sysctl -w vm.mmap_rnd_bits=28', 'sudo scripts/install-tools'])
  const local = readFileSync('.ci/run', 'utf8')
  t.match(local, /^node scripts\/ci\.mjs "\$@"$/m)
  t.match(local, /^scripts\/install-tools$/m)
})

t.test('the whole has one bound, which the page for contributors names', async (t) => {
  t.match(readFileSync('scripts/ci.mjs', 'utf8'), /PINNACLE_CI_SECONDS \?\? 40 \* 60\b/)
  t.match(readFileSync('docs/contributing.md', 'utf8'), /40 minutes on 2 cores/)
})
