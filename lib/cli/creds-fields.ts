/** The value of a credential: from a file or a descriptor, or asked for field by field. */
import type { Command } from 'commander'
import {
  fieldsFromJson,
  readPassword,
  type CredentialKind,
  type SecretFields,
} from '../credentials/index.js'
import { promptedFields, releaseFields } from '../credentials/validation.js'
import { integerArgument } from './arguments.js'
import { readInput, withUnlock, type UnlockOptions } from './creds-access.js'
import type { Output } from './output.js'
import { usageError } from './usage-error.js'

export interface ValueOptions extends UnlockOptions {
  file?: string
  fd?: number
  expires?: string
}

export function withValue(command: Command): Command {
  return withUnlock(command)
    .option(
      '--file <file>',
      'JSON object of the fields (or the plain secret of a generic credential)',
    )
    .option('--fd <n>', 'the same, from a file descriptor', integerArgument)
    .option('--expires <date>', 'when it expires, such as 2027-03-31')
}

/** Fields from a JSON file or descriptor, or asked for one by one. */
export function readFields(
  output: Output,
  options: ValueOptions,
  kind: CredentialKind,
): SecretFields {
  if (options.file !== undefined || options.fd !== undefined) {
    using bytes = readInput(output, options)
    const start = bytes.bytes.find((byte) => byte > 0x20)
    if (start === 0x7b) return fieldsFromJson(bytes.bytes)
    if (kind !== 'generic') throw usageError(`a ${kind} credential is given as a JSON object`)
    let { length } = bytes
    while (length > 0 && (bytes.bytes[length - 1] ?? 0) === 0x0a) length--
    return { secret: bytes.copy(0, length) }
  }
  const asked = promptedFields(kind)
  if (asked.length === 0) {
    throw usageError(`give the file that the exchange lets you download: --file <file>`)
  }
  const fields: SecretFields = {}
  try {
    for (const { field, required } of asked) {
      const prompt = `${field}${required ? '' : ' (empty for none)'}: `
      const value = readPassword({ type: 'terminal' }, { prompt, allowEmpty: !required })
      if (value.length > 0) fields[field] = value
      else value.release()
    }
    return fields
  } catch (error) {
    releaseFields(fields)
    throw error
  }
}
