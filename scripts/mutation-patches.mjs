// The deliberate defects of native/mutations. A file NAME.patch opens with a line that says what the
// defect is and who must catch it, `Caught by: simulation, power.`; a unified diff with little context
// follows. Every piece of it must be in its file exactly once, wherever that is: a patch that no longer
// fits is an error with its name, and never plants something else.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const directory = 'native/mutations'

/** All defects of the tree at `root`, sorted by name: { name, defect, caughtBy, changes }. */
export function readMutations(root) {
  return readdirSync(path.join(root, directory))
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(root, directory, file), 'utf8')
      const name = /^([A-Z_]+)\.patch$/.exec(file)?.[1]
      const head = /^(.+?\.\)?) Caught by: ([a-z, ]+)\.\n\n(?=---)/.exec(text)
      if (!name || !head) throw new Error(`${directory}/${file} does not open as mutations do`)
      const changes = changesOf(text.slice(head[0].length))
      if (changes.length === 0) throw new Error(`${directory}/${file} changes nothing`)
      return { name, defect: head[1], caughtBy: head[2].split(', '), changes }
    })
}

/** The hunks of a diff: { file, before, after }, each text of whole lines. */
function changesOf(diff) {
  const changes = []
  let file
  for (const line of diff.trimEnd().split('\n')) {
    const named = /^\+\+\+ b\/(\S+)$/.exec(line)
    if (named) file = named[1]
    else if (line.startsWith('@@')) changes.push({ file, before: '', after: '' })
    else if (!line.startsWith('---')) {
      const hunk = changes.at(-1)
      const isContext = line.startsWith(' ')
      if (!hunk || !/^[ +-]/.test(line)) throw new Error(`not a line of a patch: ${line}`)
      if (isContext || line.startsWith('-')) hunk.before += `${line.slice(1)}\n`
      if (isContext || line.startsWith('+')) hunk.after += `${line.slice(1)}\n`
    }
  }
  return changes
}

/** Answers the changed files, path to text, without writing them. */
export function mutated({ name, changes }, root) {
  const texts = new Map()
  for (const { file, before, after } of changes) {
    // With a line break in front, so that whole lines are found.
    const text = texts.get(file) ?? `\n${readFileSync(path.join(root, file), 'utf8')}`
    const at = text.indexOf(`\n${before}`)
    if (at < 0 || text.includes(`\n${before}`, at + 1)) {
      const found = at < 0 ? 'does not have' : 'has more than once'
      throw new Error(`${name} no longer applies: ${file} ${found}\n${before}`)
    }
    texts.set(file, `${text.slice(0, at)}\n${after}${text.slice(at + 1 + before.length)}`)
  }
  return new Map([...texts].map(([file, text]) => [file, text.slice(1)]))
}

export function plant(mutation, root) {
  for (const [file, text] of mutated(mutation, root)) writeFileSync(path.join(root, file), text)
}
