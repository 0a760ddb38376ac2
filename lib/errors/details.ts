/** Adds to the `details` of an error. Throws if the error is frozen. */
export function addDetails(error: Error, added: Readonly<Record<string, unknown>>): void {
  const { details } = error as { details?: Readonly<Record<string, unknown>> }
  Object.defineProperty(error, 'details', {
    value: { ...details, ...added },
    enumerable: true,
    configurable: true,
  })
}
