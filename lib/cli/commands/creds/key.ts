/** `pinnacle creds key`: who else can open the file. */
import type { Command } from 'commander'
import { register as addRecipient } from './key-add-recipient.js'
import { register as addToken } from './key-add-token.js'
import { register as remove } from './key-remove.js'

export function register(creds: Command): void {
  const key = creds.command('key').description('who else can open the file')
  for (const registerCommand of [addRecipient, addToken, remove]) registerCommand(key)
}
