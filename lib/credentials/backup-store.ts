import { absolutePath } from '../config/absolute.js'
import { encodeBackup } from './backup.js'
import { writeBackup } from './backup-files.js'
import type { RecipientProvider } from './recipient.js'
import { draftOf } from './unlock.js'
import type { UnlockedFile } from './unlocked-file.js'
import { encodeVault } from './vault.js'

/** Writes the file, with more who may open it, as a backup. */
export async function backupStore(
  file: UnlockedFile,
  destination: string,
  recipients: readonly RecipientProvider[],
): Promise<void> {
  const path = absolutePath(destination)
  const event = {
    action: 'credentials.backup',
    target: path,
    detail: { recipients: recipients.length },
  } as const
  await file.locked(event, async () => {
    let bytes = await file.files.read()
    if (recipients.length > 0) bytes = await withRecipients(file, bytes, recipients)
    await writeBackup(file.files.files, path, encodeBackup(bytes, file.files.now(), path))
  })
}

/** The same version of the file, with more who may open it. */
async function withRecipients(
  file: UnlockedFile,
  bytes: Buffer,
  recipients: readonly RecipientProvider[],
): Promise<Buffer> {
  const vault = file.newest(bytes)
  const { store, keys } = vault.envelope
  const entries = [...keys]
  for (const recipient of recipients) entries.push(await recipient.wrap(vault.dataKey, { store }))
  return encodeVault({ ...draftOf(vault), keys: entries, index: vault.index }, vault.dataKey, vault)
}
