import { safeParse } from 'valibot'
import { definitionOf, type BookKind, type InstrumentDefinition } from '../book/instrument.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { PinnacleRangeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { instrumentKeys, instrumentSchema, unknownKeys } from './schema.js'

export interface CheckedInstrument {
  name: string
  priceScale: number
  quantityScale: number
  kind: BookKind
  signedPrices?: boolean
}

/** The definition with its defaults; throws if something in it is wrong. */
export function checkInstrument(definition: InstrumentDefinition): CheckedInstrument {
  const parsed = safeParse(instrumentSchema, definition, { abortPipeEarly: true })
  const problems = (parsed.issues ?? []).map((issue) => {
    const key = issue.path?.[0].key as PropertyKey | undefined
    const value: unknown =
      key === undefined ? definition : (definition as unknown as Record<PropertyKey, unknown>)[key]
    return `${key === undefined ? 'it' : String(key)} must be ${issue.message}, not ${shown(value)}`
  })
  for (const key of unknownKeys(definition, instrumentKeys)) {
    problems.push(`"${key}" is unknown${didYouMean(key, instrumentKeys)}`)
  }
  if (parsed.success && problems.length === 0) return definitionOf(parsed.output)
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_INSTRUMENT',
    `the instrument's definition is wrong: ${problems.join('; ')}`,
  )
}
