import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout; this file runs compiled, from .test-dist/bench. */
export const root = path.resolve(fileURLToPath(new URL('../..', import.meta.url)))
