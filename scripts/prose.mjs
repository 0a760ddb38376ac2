// Counts the words in comments that a native reader stumbles over, and finds phrases that are never right.
// `npm run lint:prose` fails above a limit and at each phrase; `--places WORD` lists where a word is used.
//
// Comments of C++, TypeScript and JavaScript count, code does not. Phrases are looked for in strings (messages,
// names of tests) and in the pages as well.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

/** Uses in 10,000 words of comments, at most. What good C++ and TypeScript projects have is at or below these. */
const limits = [
  { name: 'behind', pattern: /\bbehind\b/gi, most: 6 },
  { name: 'stand', pattern: /\b(?:stand|stands|stood|standing)\b/gi, most: 1 },
  { name: 'where', pattern: /\bwhere\b/gi, most: 11 },
  { name: 'told, nobody, whoever, anew', pattern: /\b(?:told|nobody|whoever|anew)\b/gi, most: 1 },
]

/** Never right, wherever they are. */
const banned = [
  {
    pattern:
      /(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|later|earlier|better|worse|larger|smaller|other|one\b)[a-z]+/g,
    say: 'is not a …',
  },
  { pattern: /\bso many(?! that\b)(?:eth)?\b/gi, say: 'this many, or the number' },
  { pattern: /\btakes nothing\b/gi, say: 'accepts no …' },
  { pattern: /\bany more\b(?! than)/gi, say: 'no longer' },
  { pattern: /\bdigits behind the point\b/gi, say: 'decimal places' },
  { pattern: /\b(?:whose|its) turn\b/gi, say: 'the expected one' },
  { pattern: /\bstands? there\b/gi, say: 'is there' },
  { pattern: /\bsee to the\b/gi, say: 'check the' },
].map(({ pattern, say }) => ({
  // A phrase may go across lines.
  pattern: new RegExp(pattern.source.replaceAll(' ', '\\s+'), pattern.flags),
  say,
}))

const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 1 << 26 })
  .split('\0')
  .filter((name) => /\.(?:h|cc|ts|mjs|js|md)$/.test(name))
  .filter(
    (name) => !/^third_party\/|^CHANGELOG|\/fixtures\//.test(name) && name !== 'scripts/prose.mjs',
  )

/** What of a source is comment, what is string, each with its line. */
function partsOf(text) {
  const parts = []
  let at = 0
  let line = 1
  let last = '' // the last character of code, to tell a division from a regular expression
  const advance = (to) => {
    for (; at < to; at++) if (text[at] === '\n') line++
  }
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const character = text[at]
    if (two === '//' || two === '/*') {
      const closing = two === '//' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2)
      const end = closing < 0 ? text.length : closing
      parts.push({ kind: 'comment', line, text: text.slice(at + 2, end) })
      advance(two === '//' ? end : Math.min(end + 2, text.length))
    } else if (character === '"' || character === "'" || character === '`') {
      let end = at + 1
      while (end < text.length && text[end] !== character) {
        if (text[end] === '\\') end++
        else if (text[end] === '\n' && character !== '`') break
        end++
      }
      parts.push({ kind: 'string', line, text: text.slice(at + 1, end) })
      advance(Math.min(end + 1, text.length))
      last = character
    } else if (character === '/' && /[(,=:[!&|?{};\n]/.test(last || '\n')) {
      let end = at + 1
      let inClass = false
      while (end < text.length && text[end] !== '\n' && (inClass || text[end] !== '/')) {
        if (text[end] === '\\') end++
        else if (text[end] === '[') inClass = true
        else if (text[end] === ']') inClass = false
        end++
      }
      advance(Math.min(end + 1, text.length))
      last = '/'
    } else {
      if (!/\s/.test(character)) last = character
      advance(at + 1)
    }
  }
  return parts
}

let words = 0
const places = new Map(limits.map(({ name }) => [name, []]))
const found = []
for (const file of files) {
  const text = readFileSync(file, 'utf8')
  const isPage = file.endsWith('.md')
  const parts = isPage ? [{ kind: 'page', line: 1, text }] : partsOf(text)
  // A comment of several lines is one text.
  const joined = []
  for (const part of parts) {
    const before = joined.at(-1)
    const lines = before ? before.text.split('\n').length : 0
    if (
      part.kind === 'comment' &&
      before?.kind === 'comment' &&
      part.line === before.line + lines
    ) {
      before.text += `\n${part.text}`
    } else joined.push({ ...part })
  }
  for (const { kind, line, text: said } of joined) {
    const plain = said.replaceAll(/\n[ \t]*\*?/g, '\n ')
    const lineAt = (index) => line + plain.slice(0, index).split('\n').length - 1
    if (kind === 'comment') {
      words += plain.match(/[A-Za-z][\w'-]*/g)?.length ?? 0
      for (const { name, pattern } of limits) {
        for (const { index } of plain.matchAll(pattern))
          places.get(name).push(`${file}:${lineAt(index)}`)
      }
    }
    for (const { pattern, say } of banned) {
      for (const match of plain.matchAll(pattern)) {
        found.push(`${file}:${lineAt(match.index)}: "${match[0].replaceAll(/\s+/g, ' ')}": ${say}`)
      }
    }
  }
}

const asked = process.argv.indexOf('--places')
if (asked > 0) {
  for (const [name, list] of places)
    if (name.includes(process.argv[asked + 1] ?? '')) console.log(list.join('\n'))
  process.exit(0)
}
console.log(`${words} words of comments`)
let failed = found.length > 0
for (const { name, most } of limits) {
  const per = (places.get(name).length / words) * 10_000
  const over = per > most
  failed ||= over
  console.log(
    `${over ? 'more' : 'ok  '}  ${name.padEnd(28)} ${per.toFixed(1)} in 10,000, at most ${most}`,
  )
}
for (const line of found) console.log(line)
if (found.length > 0) console.log(`${found.length} phrases that are never right`)
process.exitCode = failed ? 1 : 0
