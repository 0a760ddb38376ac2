/** `pinnacle audit`: what was done with a data directory, and whether the record of it is whole. */
import type { Command } from 'commander'
import { register as exportLines } from './audit/export.js'
import { register as key } from './audit/key.js'
import { register as restart } from './audit/restart.js'
import { register as show } from './audit/show.js'
import { register as verify } from './audit/verify.js'

export function register(program: Command): void {
  const audit = program
    .command('audit')
    .description('the record of what was done, and whether it is whole')
  for (const registerCommand of [show, verify, exportLines, key, restart]) registerCommand(audit)
}
