/** `pinnacle creds status`: what can be said without unlocking. */
import type { Command } from 'commander'
import { decodeEnvelope, versionOf } from '../../../credentials/envelope.js'
import { StoreFiles } from '../../../credentials/store-files.js'
import { action } from '../../action.js'
import { directoryOf, withData, type DataOptions } from '../../data-options.js'
import { keyName, keyText } from '../../key-names.js'
import type { Output } from '../../output.js'

export function register(creds: Command): void {
  withData(creds.command('status').description('what can be said without unlocking')).action(
    action<DataOptions>(status),
  )
}

async function status(output: Output, options: DataOptions): Promise<undefined> {
  const files = new StoreFiles({ dataDirectory: directoryOf(options) })
  await files.files.checkDirectory(files.directory)
  const bytes = await files.read()
  const { failures, retryAfterMs } = await files.limiter.status()
  const version = versionOf(bytes, files.path)
  const facts =
    version === 1
      ? { store: '', generation: 0, written: '', cipher: 'aes-256-cbc-hmac-sha256', keys: [] }
      : decodeEnvelope(bytes, files.path)
  const keys = facts.keys.map((entry) => ({ name: keyName(entry), what: keyText(entry) }))
  output.heading(files.path)
  output.field('format', `version ${String(version)}, ${facts.cipher}`)
  if (version === 2) {
    output.field('changes', `${String(facts.generation)}, the last on ${facts.written}`)
    for (const { name, what } of keys) output.field('opens with', `${name} (${what})`)
  }
  output.field('failed unlocks', String(failures))
  if (retryAfterMs > 0)
    output.field('next possible', `in ${String(Math.ceil(retryAfterMs / 1000))} s`)
  const { store, generation, written, cipher } = facts
  output.document({ version, store, generation, written, cipher, keys, failures, retryAfterMs })
  return undefined
}
