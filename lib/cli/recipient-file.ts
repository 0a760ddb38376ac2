import { readFile } from 'node:fs/promises'
import { parsePublicKey, type RecipientProvider } from '../credentials/index.js'
import { fileError } from '../secure/errors.js'

/** The public key that `pinnacle creds keygen` wrote to a file. */
export async function readRecipient(path: string): Promise<RecipientProvider> {
  try {
    return parsePublicKey(await readFile(path, 'utf8'))
  } catch (error) {
    throw fileError(`can't take the public key in ${path}`, error)
  }
}
