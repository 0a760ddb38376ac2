/**
 * Randomness of a test that can be repeated. The process draws one seed and prints it once it is used;
 * PINNACLE_TEST_SEED=N gives the same draws again. (Where processes run side by side the moments still
 * differ.)
 */
let random: (() => number) | undefined

/** Numbers from 0 up to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** From 0 up to `end`, not a whole number. */
export function drawn(end: number): number {
  if (random === undefined) {
    const asked = process.env['PINNACLE_TEST_SEED']
    const seed = asked === undefined ? Date.now() >>> 0 : Number(asked)
    process.stderr.write(`PINNACLE_TEST_SEED=${String(seed)} repeats the draws of this test\n`)
    random = randomOf(seed)
  }
  return random() * end
}
