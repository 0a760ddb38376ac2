/** `pinnacle feed`: records exchange feeds, replays recordings, says what a directory records. */
import type { Command } from 'commander'
import { registerRecord } from './feed-record.js'
import { registerReplay } from './feed-replay.js'
import { registerStatus } from './feed-status.js'

export function register(program: Command): void {
  const feed = program.command('feed').description('live market data: record, replay, status')
  registerRecord(feed)
  registerReplay(feed)
  registerStatus(feed)
}
