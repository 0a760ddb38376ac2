// The deliberate defects of native/mutations must still be defects: see scripts/mutations.mjs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Mutation {
  name: string
  defect: string
  caughtBy: string[]
  changes: { file: string; before: string; after: string }[]
}
interface Script {
  readMutations: (root: string) => Mutation[]
  mutated: (mutation: Mutation, root: string) => Map<string, string>
}
const script = pathToFileURL(join(process.cwd(), 'scripts/mutation-patches.mjs')).href
const { readMutations, mutated } = (await import(script)) as Script

t.test('every mutation applies to the tree and says who catches it', async (t) => {
  const mutations = readMutations(process.cwd())
  t.ok(mutations.length >= 49)
  for (const mutation of mutations) {
    t.doesNotThrow(() => {
      for (const [file, text] of mutated(mutation, process.cwd()))
        t.not(text, readFileSync(file, 'utf8'), `${mutation.name} changes ${file}`)
    }, mutation.name)
    const judges = mutation.caughtBy.filter((judge) => !['simulation', 'power'].includes(judge))
    t.same(judges, [], `${mutation.name}: who catches it is known to scripts/mutations.mjs`)
  }
})

t.test('a mutation that no longer applies, or applies twice, fails with its name', async (t) => {
  const root = t.testdir({
    native: {
      mutations: {
        'A_DEFECT.patch':
          'A defect. Caught by: simulation, power.\n\n' +
          '--- a/native/a.cc\n+++ b/native/a.cc\n@@ -1,3 +1,3 @@\n one\n-two\n+too\n three\n',
      },
    },
  })
  const [mutation] = readMutations(root)
  if (!mutation) throw new Error('no mutation was read')
  t.same(mutation.caughtBy, ['simulation', 'power'])
  t.equal(mutation.defect, 'A defect.')
  mkdirSync(join(root, 'native'), { recursive: true })
  const withText = (text: string): Map<string, string> => {
    writeFileSync(join(root, 'native/a.cc'), text)
    return mutated(mutation, root)
  }
  t.equal(withText('zero\none\ntwo\nthree\n').get('native/a.cc'), 'zero\none\ntoo\nthree\n')
  t.equal(withText('one\ntwo\nthree\n').get('native/a.cc'), 'one\ntoo\nthree\n', 'at the top')
  t.throws(
    () => withText('one\ntwo \nthree\n'),
    /A_DEFECT no longer applies: native\/a.cc does not/,
  )
  t.throws(() => withText('one\ntwo\nthree\none\ntwo\nthree\n'), /A_DEFECT .* has more than once/)
  t.throws(() => withText('someone\ntwo\nthree\n'), /does not have/, 'whole lines only')
})

t.test('the product has no text of defects', async (t) => {
  const tree = readMutations(process.cwd()).flatMap(({ changes }) =>
    changes.map(({ file }) => file),
  )
  for (const file of new Set(tree)) t.notMatch(readFileSync(file, 'utf8'), /MUTATION/, file)
})
