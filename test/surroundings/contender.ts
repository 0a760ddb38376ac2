/** Opens one of several directories repeatedly, as others do; reports every durable sequence. */
import { flow, open } from '../persistence/setup.js'
import { drawn } from '../seed.js'

export interface Said {
  directory: string
  durable?: number
  code?: string
}

const [, , rounds = '1', ...directories] = process.argv
const say = (said: Said): void => void process.send?.(said)
for (let round = 0; round < Number(rounds); round++) {
  const directory = directories[Math.floor(drawn(directories.length))] ?? ''
  try {
    const manager = await open(directory)
    flow(manager, 200, manager.appendedFrontier + 1)
    say({ directory, durable: await manager.durable() })
    await manager.close()
  } catch (error) {
    say({ directory, code: (error as { code?: string }).code ?? String(error) })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
process.disconnect()
