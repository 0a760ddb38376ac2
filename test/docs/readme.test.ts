// The first program of README.md, run twice by someone who has just installed the package.
import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { node } from '../children.js'
import { blocksOf } from './page.js'

t.test('the first program of the README finds its order again', async (t) => {
  const directory = t.testdir({ 'package.json': '{ "type": "module" }' })
  mkdirSync(path.join(directory, 'node_modules'))
  symlinkSync(process.cwd(), path.join(directory, 'node_modules/pinnacle-persistence'))
  const program = blocksOf('README.md').find(({ words }) => words[0] === 'js')
  writeFileSync(path.join(directory, 'first.js'), program?.text ?? '')
  for (const orders of [1, 2]) {
    const { stdout } = await promisify(execFile)(...node('first.js'), { cwd: directory })
    t.equal(
      stdout,
      `{ price: 6450000, quantity: ${orders * 25_000_000}, orders: ${orders} } ${orders}\n`,
    )
  }
})
