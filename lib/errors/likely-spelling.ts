/** Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours. */
export function editDistance(left: string, right: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1]
      let best = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[right.length] ?? 0
}

const plain = (word: string): string => word.toLowerCase().replace(/[-_ .]/g, '')

/**
 * The known word that `word` was most likely meant to be, or undefined if none is near. Case, dashes
 * and underscores don't count; a third of the letters may be wrong, at most three.
 */
export function likelySpelling(word: string, known: Iterable<string>): string | undefined {
  const wanted = plain(word)
  let nearest: string | undefined
  let nearestDistance = Math.min(3, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < nearestDistance) {
      nearest = candidate
      nearestDistance = distance
    }
  }
  return nearest
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const nearest = likelySpelling(word, known)
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`
}
