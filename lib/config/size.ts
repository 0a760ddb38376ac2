/** Sizes in bytes, as numbers or with a unit: '256MiB'. */

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
}

const sizePattern = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i

/** Bytes of a size such as 4096, '4096', '64KiB', '1.5GiB' or '10 MB'; undefined if it is not a size. */
export function parseSize(size: number | string): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined
  const match = sizePattern.exec(size.trim())
  if (!match) return undefined
  const [, amount = '', unit = ''] = match
  const factor = units[unit.toLowerCase()]
  if (factor === undefined) return undefined
  const bytes = Number(amount) * factor
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The size in the largest binary unit that it is a whole number of: 67108864 is '64MiB'. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${String(bytes / factor)}${unit}`
  }
  return `${String(bytes)}B`
}
