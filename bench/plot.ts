/**
 * Draws the plots again from the JSON of earlier runs; parts of later files replace those of earlier ones.
 *
 * npm run bench:plot -- DIRECTORY FILE...
 */
import { readFileSync } from 'node:fs'

import type { PartResult } from './part.js'
import { writePlots } from './plots/plots.js'

const [directory, ...files] = process.argv.slice(2)
if (directory === undefined || files.length === 0) {
  console.error('usage: npm run bench:plot -- DIRECTORY FILE...')
  process.exit(2)
}
const parts: Record<string, PartResult> = {}
for (const file of files) {
  const report = JSON.parse(readFileSync(file, 'utf8')) as { parts: Record<string, PartResult> }
  Object.assign(parts, report.parts)
}
for (const file of writePlots(parts, directory)) console.log(`written: ${file}`)
