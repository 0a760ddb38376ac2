import {
  PinnacleError,
  PinnacleRangeError,
  PinnacleTypeError,
  type CodedError,
} from '../errors/pinnacle-error.js'

export type ConfigCode =
  | 'ERR_PINNACLE_CONFIG_FILE'
  | 'ERR_PINNACLE_CONFIG_SYNTAX'
  | 'ERR_PINNACLE_CONFIG_MISSING_KEY'
  | 'ERR_PINNACLE_CONFIG_UNKNOWN_KEY'
  | 'ERR_PINNACLE_CONFIG_TYPE'
  | 'ERR_PINNACLE_CONFIG_RANGE'

/** One thing wrong in a configuration. */
export class ConfigProblem {
  readonly code: ConfigCode
  readonly message: string
  readonly cause: unknown

  constructor(code: ConfigCode, message: string, cause?: unknown) {
    this.code = code
    this.message = message
    this.cause = cause
  }

  toError(): CodedError {
    return errorOfProblems([this])
  }
}

/** One error of all problems; its code is that of the first. */
export function errorOfProblems(problems: readonly ConfigProblem[]): CodedError {
  const [first] = problems
  if (!first) throw new TypeError('no problem, no error')
  const rest = problems.slice(1).map((problem) => problem.message)
  const message =
    rest.length === 0
      ? `configuration: ${first.message}`
      : `configuration: ${first.message} (and ${String(rest.length)} more: ${rest.join('; ')})`
  const options = {
    details: { problems: problems.map(({ code, message: what }) => ({ code, message: what })) },
    ...(first.cause === undefined ? {} : { cause: first.cause }),
  }
  switch (first.code) {
    case 'ERR_PINNACLE_CONFIG_RANGE':
      return new PinnacleRangeError(first.code, message, options)
    case 'ERR_PINNACLE_CONFIG_FILE':
    case 'ERR_PINNACLE_CONFIG_SYNTAX':
      return new PinnacleError(first.code, message, options)
    default:
      return new PinnacleTypeError(first.code, message, options)
  }
}
