/** The code blocks of a page, as its readers use them. */
import { readFileSync } from 'node:fs'

export interface Block {
  readonly line: number
  /** The words after the fence: a language, then what the page says about the block. */
  readonly words: readonly string[]
  readonly text: string
}

/** All fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; words: string[]; lines: string[] } | undefined
  for (const [index, line] of readFileSync(page, 'utf8').split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (!fence) open?.lines.push(line)
    else if (open) {
      blocks.push({ line: open.line, words: open.words, text: open.lines.join('\n') + '\n' })
      open = undefined
    } else open = { line: index + 1, words: (fence[1] ?? '').split(' '), lines: [] }
  }
  return blocks
}

export interface Step {
  readonly command: string
  readonly expected: string
}

/** The commands of a console block, each with the output that the page shows. */
export function stepsOf(text: string): Step[] {
  const steps: { command: string; lines: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), lines: [] })
    else steps.at(-1)?.lines.push(line)
  }
  return steps.map(({ command, lines }) => ({ command, expected: lines.join('\n') }))
}

/**
 * The output that a page shows, as a pattern: "…" is any text within a line, a line of its own any lines; if numbers
 * vary, each stands for any other one.
 */
export function patternOf(expected: string, numbersVary: boolean): RegExp {
  const lines = expected.split('\n').map((line) => {
    if (line.trim() === '…') return '(?:.*\n)*?'
    const escaped = line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*')
    const text = numbersVary
      ? escaped.replaceAll(/ *\d[\d,]*(?:\\\.\d+)?/g, ' *\\d[\\d,.]*')
      : escaped
    return `${text}\n`
  })
  return new RegExp(`^${lines.join('')}$`)
}
