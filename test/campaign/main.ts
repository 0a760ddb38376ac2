/**
 * npm run campaign -- [--images N] [--seed N] [--only CLASS] [--image N] [--jobs N] [--no-pure]
 * [--directory DIRECTORY] [--keep DIRECTORY] [--again KEPT]
 *
 * Damages data directories in every known way and opens each under the three policies, with both readers,
 * against an oracle. A seed repeats the same damage. Ids and times are the engine's own, so the directory of
 * a violation is kept, byte for byte, and --again checks that.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { campaign } from './campaign.js'
import { classes } from './damage/classes.js'
import { loadEvidence, wordsOf } from './evidence.js'
import { Expectations } from './expected.js'
import { checkImage } from './image.js'

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    image: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    'no-pure': { type: 'boolean', default: false },
    directory: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir() },
    keep: { type: 'string', default: path.join(os.tmpdir(), 'pinnacle-campaign') },
    again: { type: 'string' },
  },
})

function numberOf(name: string, text: string, from: number): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= from) return number
  console.error(`--${name} takes a number from ${String(from)} on, not '${text}'`)
  process.exit(2)
}

const images = numberOf('images', values.images, 1)
const seed = numberOf('seed', values.seed, 0)
const jobs = numberOf('jobs', values.jobs, 1)
const image = values.image === undefined ? undefined : numberOf('image', values.image, 0)
const { only, keep } = values
const comparesPure = !values['no-pure']
if (only !== undefined && !classes.has(only)) {
  console.error(`--only takes ${[...classes.keys()].join(', ')}, not '${only}'`)
  process.exit(2)
}

const work = mkdtempSync(path.join(values.directory, 'pinnacle-campaign-'))
process.on('exit', () => {
  rmSync(work, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.exit(130)
  })
}

if (values.again !== undefined) {
  const kept = loadEvidence(path.resolve(values.again))
  const result = await checkImage(
    kept.base,
    new Expectations(),
    kept.image,
    kept.number,
    work,
    comparesPure,
  )
  for (const line of wordsOf(result)) console.log(line)
  process.exit(result.violations.length + result.disagreements.length > 0 ? 1 : 0)
}

mkdirSync(keep, { recursive: true })
let done = 0
const tally = await campaign({
  seed,
  images,
  image,
  only,
  comparesPure,
  jobs,
  work,
  keep,
  onResult(result) {
    done++
    if (done % 500 === 0) console.log(`${String(done)} images`)
    if (result.violations.length + result.disagreements.length === 0) return
    for (const line of wordsOf(result)) console.log(line)
    const words = [`--seed ${String(seed)}`, `--image ${String(result.number)}`]
    if (only !== undefined) words.push(`--only ${only}`)
    const kept = path.join(keep, `${String(seed)}-${String(result.number)}`)
    console.log(
      `  again: npm run campaign -- ${words.join(' ')}; the same bytes: npm run campaign -- --again ${kept}`,
    )
  },
})
for (const line of tally.lines()) console.log(line)
process.exitCode = tally.all.violations + tally.all.disagreements > 0 ? 1 : 0
