/** `pinnacle feed`: records exchange feeds, replays recordings, says what a directory records. */
import type { Command } from 'commander'
import { register as record } from './feed/record.js'
import { register as replay } from './feed/replay.js'
import { register as status } from './feed/status.js'

export function register(program: Command): void {
  const feed = program.command('feed').description('live market data: record, replay, status')
  for (const registerCommand of [record, replay, status]) registerCommand(feed)
}
