/** `pinnacle creds`: the encrypted credentials of a data directory. */
import type { Command } from 'commander'
import { register as add } from './creds/add.js'
import { register as backup } from './creds/backup.js'
import { register as expire } from './creds/expire.js'
import { register as init } from './creds/init.js'
import { register as key } from './creds/key.js'
import { register as keygen } from './creds/keygen.js'
import { register as list } from './creds/list.js'
import { register as password } from './creds/password.js'
import { register as remove } from './creds/remove.js'
import { register as restore } from './creds/restore.js'
import { register as reveal } from './creds/reveal.js'
import { register as rotate } from './creds/rotate.js'
import { register as status } from './creds/status.js'
import { register as upgrade } from './creds/upgrade.js'
import { register as verify } from './creds/verify.js'

/** In the order of the help. */
const commands = [
  ...[init, add, rotate, expire, remove, list, reveal, verify, password, upgrade, restore],
  ...[status, backup, keygen, key],
]

export function register(program: Command): void {
  const creds = program.command('creds').description('encrypted credentials of exchanges')
  for (const registerCommand of commands) registerCommand(creds)
}
