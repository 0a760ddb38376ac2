/** Sets of sequences as ranges. */

/** First and last. */
export type Range = [first: number, last: number]

/** Ranges of numbers that ascend. */
export function rangesOf(sequences: Iterable<number>): Range[] {
  const ranges: Range[] = []
  for (const sequence of sequences) {
    const range = ranges.at(-1)
    if (range?.[1] === sequence - 1) range[1] = sequence
    else ranges.push([sequence, sequence])
  }
  return ranges
}

export function inRanges(ranges: readonly Range[], sequence: number): boolean {
  return ranges.some(([first, last]) => first <= sequence && sequence <= last)
}

/** "3 to 7, 12"; the first few. */
export function rangesText(ranges: readonly Range[]): string {
  const shown = ranges
    .slice(0, 4)
    .map(([first, last]) =>
      first === last ? String(first) : `${String(first)} to ${String(last)}`,
    )
  return shown.length === 0 ? 'none' : [...shown, ...(ranges.length > 4 ? ['…'] : [])].join(', ')
}
