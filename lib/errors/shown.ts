/** A value as an error message shows it: short, on one line, with its type visible. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const text = JSON.stringify(value)
      return text.length > 60 ? `${text.slice(0, 57)}…"` : text
    }
    case 'bigint':
      return `${String(value)}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return 'an array'
      return instanceName(value)
  }
}

/** An object may have no constructor, or anything in its place. */
function instanceName(value: object): string {
  const { constructor } = value as { constructor?: unknown }
  if (typeof constructor !== 'function' || constructor === Object || constructor.name === '') {
    return 'an object'
  }
  return `an instance of ${constructor.name}`
}
