/** node .test-dist/bench/feed-parse.js [--quick]: only the benchmarks' part `feed`, without native code. */
import { outcomesOf } from './goals.js'
import { feed } from './parts/feed.js'
import { goalsText, partText } from './report.js'

const result = await feed.run({
  directory: '',
  quick: process.argv.includes('--quick'),
  limits: undefined,
  peers: undefined,
  journalGiB: 0,
})
console.log(partText(result))
console.log(goalsText(outcomesOf(result.goals)))
