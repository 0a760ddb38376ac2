/**
 * Opens managers and drops them. Garbage collection must release each: its lock is free, and its entries are
 * there. Run with --expose-gc.
 */
import { flow, open } from '../persistence/setup.js'

declare const gc: () => void

const [, , directory = ''] = process.argv

async function writeAndForget(seed: number): Promise<number> {
  const manager = await open(directory)
  flow(manager, 100, seed)
  void manager.durable()
  return manager.appendedFrontier
}

const told: number[] = []
for (let round = 1; round <= 5; round++) {
  const appended = await writeAndForget(round)
  for (let attempt = 0; ; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    gc()
    try {
      const again = await open(directory)
      if (again.appendedFrontier !== appended) throw new Error('not what was appended')
      await again.close()
      break
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_PINNACLE_LOCKED' || attempt > 500) throw error
    }
  }
  told.push(appended)
}
process.send?.(told)
process.disconnect()
