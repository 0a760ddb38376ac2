/** How a command line names the keys that open a credentials' file. */
import { fingerprintOf, type KeyEntry } from '../credentials/index.js'

/** A name for a key by which a command line can mean it. */
export function keyName(entry: KeyEntry): string {
  switch (entry.type) {
    case 'password':
      return 'password'
    case 'pkcs11':
      return `token:${entry.keyId.slice(0, 16)}`
    case 'recipient':
      return `recipient:${fingerprintOf(entry.publicKey).slice(0, 16)}`
  }
}

export function keyText(entry: KeyEntry): string {
  switch (entry.type) {
    case 'password':
      return entry.kdf.algorithm
    case 'pkcs11':
      return `key "${entry.keyLabel}" on the token ${entry.tokenSerial}`
    case 'recipient':
      return entry.scheme
  }
}
