// Deliberate defects in compiled JavaScript, for scripts/mutations.mjs: each replaces exact pieces of
// text in one file of a copy of dist/. A missing or duplicate piece is an error, so that a change of the
// source can't disable a defect; test/torture/defects.test.ts applies all of them.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const resolvesEarly = [
  ['wait.sequence > frontier)', 'wait.sequence > frontier + 8)'],
  ['wanted <= this.#frontier)', 'wanted <= this.#frontier + 8)'],
]

/** Name: the file below dist/, and pairs of text and replacement. */
export const compiledDefects = {
  // The promise for sequence s resolves when the frontier is s - 8, and returns that.
  DURABLE_RESOLVES_EARLY: { file: 'engine/group-commit.js', changes: resolvesEarly },
  // The same, but it returns the requested sequence: only lost entries reveal it.
  DURABLE_RESOLVES_EARLY_AND_LIES: {
    file: 'engine/group-commit.js',
    changes: [
      ...resolvesEarly,
      ['wait.resolve(frontier)', 'wait.resolve(Math.max(frontier, wait.sequence))'],
      ['Promise.resolve(this.#frontier)', 'Promise.resolve(Math.max(this.#frontier, wanted))'],
    ],
  },
  SYNC_NOW_ONLY_SAYS_SO: {
    file: 'journal/journal.js',
    changes: [['this.#session.engine.sync()', 'this.#session.engine.appended()']],
  },
  DURABLE_APPENDS_ARE_NOT_SYNCED: {
    file: 'config/engine-options.js',
    changes: [
      [
        'durability: config.durability,',
        "durability: config.durability === 'durable' ? 'appended' : config.durability,",
      ],
    ],
  },
  FOLLOWERS_SKIP_AN_ENTRY: {
    file: 'journal/read-entries.js',
    changes: [['if (accept(entry))', 'if (entry.sequence % 64 > 0 && accept(entry))']],
  },
  STATE_MACHINE_MISSES_THE_LAST_ENTRY: {
    file: 'engine/state-machine-host.js',
    changes: [
      [
        '.replay(session, from, lastSequence, progress)',
        '.replay(session, from, lastSequence - 1, progress)',
      ],
    ],
  },
}

/** Plants a defect in the compiled package below `dist`. */
export function plantCompiledDefect(name, dist) {
  const { file, changes } = compiledDefects[name]
  const target = path.join(dist, file)
  let text = readFileSync(target, 'utf8')
  for (const [piece, replacement] of changes) {
    const found = text.split(piece).length - 1
    if (found !== 1) {
      throw new Error(`${name}: "${piece}" is in ${file} ${found} times instead of once`)
    }
    text = text.replace(piece, () => replacement)
  }
  writeFileSync(target, text)
}
