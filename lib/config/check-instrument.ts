import type { BookKind, InstrumentDefinition } from '../book/instrument.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { PinnacleRangeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { instrumentKeys, instrumentSchema } from './schema.js'

export interface CheckedInstrument {
  name: string
  priceScale: number
  quantityScale: number
  kind: BookKind
}

/** The definition with its defaults; throws where something in it is wrong. */
export function checkInstrument(definition: InstrumentDefinition): CheckedInstrument {
  const parsed = instrumentSchema.safeParse(definition)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .map((key) => `"${key}" is unknown${didYouMean(key, instrumentKeys)}`)
        .join('; ')
    }
    const [key] = issue.path
    const value: unknown =
      key === undefined ? definition : (definition as unknown as Record<PropertyKey, unknown>)[key]
    return `${key === undefined ? 'it' : String(key)} must be ${issue.message}, not ${shown(value)}`
  })
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_INSTRUMENT',
    `the instrument's definition is wrong: ${problems.join('; ')}`,
  )
}
