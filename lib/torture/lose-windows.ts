import { rmSync } from 'node:fs'
import { cleanWindows } from '../persistence/clean-windows.js'

/** A power cut takes the memory along: windows of these data directories, whose writers are dead. */
export async function loseWindows(dataDirectories: readonly string[]): Promise<void> {
  for (const { path, dataDirectory } of await cleanWindows({ dryRun: true })) {
    if (dataDirectories.includes(dataDirectory)) rmSync(path, { force: true })
  }
}
