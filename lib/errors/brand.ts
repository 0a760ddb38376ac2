/**
 * Classes whose instances are known across copies of this package. A process can hold the JavaScript more
 * than once (two versions in node_modules, a test runner's own registry of modules, a hot reload); each copy
 * has classes of its own then, and plain `instanceof` knows only its own copy's. A brand is a registered
 * symbol, which all copies share.
 */

const symbolOf = (name: string): symbol => Symbol.for(`pinnacle-persistence.${name}`)

/** Whether any copy's class of that brand made the value. */
function hasBrand(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && symbolOf(name) in value
}

/** Brands the class: `instanceof` it is true of any copy's instances. Classes derived from it are not concerned. */
export function brand(constructor: { readonly prototype: object }, name: string): void {
  Object.defineProperty(constructor.prototype, symbolOf(name), { value: true })
  Object.defineProperty(constructor, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this === constructor) return hasBrand(value, name)
      return Function.prototype[Symbol.hasInstance].call(this as () => void, value)
    },
  })
}
