/** Checks that an opened directory still works: append, snapshot, compact, close, and reopen the same. */
import { Side } from '../../lib/index.js'
import { describeBooks } from './subject-books.js'
import { holesIn, open, type Opened } from './subject.js'

/** Closes the subject. */
export async function liveOn(
  directory: string,
  subject: Opened,
  violations: string[],
  name: string,
): Promise<void> {
  const violated = (what: string): void => {
    violations.push(`${name}, afterwards: ${what}`)
  }
  const { manager, machine } = subject
  let sequence = manager.appendedFrontier
  const expectSequence = (got: number, what: string): void => {
    sequence++
    if (got !== sequence)
      violated(`${what} got sequence ${String(got)} instead of ${String(sequence)}`)
  }
  let before: string[] = []
  try {
    expectSequence(manager.append(7, Buffer.from('after the damage')), 'an append')
    const fresh = manager.defineInstrument({ name: 'FRESH', priceScale: 2, quantityScale: 0 })
    sequence++
    expectSequence(manager.book(fresh.name).add(1, Side.Buy, 100, 5), 'an operation')
    await manager.durable()
    await manager.snapshot()
    const old = manager.instruments().filter(({ name }) => name !== fresh.name).length
    if (describeBooks(manager).slice(0, old).join('\n') !== subject.books.join('\n')) {
      violated('the other books have changed')
    }
    await manager.compact({ force: true })
    expectSequence(manager.append(8, Buffer.from('after the snapshot')), 'an append')
    before = describeBooks(manager)
  } catch (error) {
    violated(`it can't go on: ${String(error)}`)
  }
  try {
    await manager.close()
  } catch (error) {
    violated(`it can't be closed: ${String(error)}`)
    return
  }
  const again = await open(directory, 'strict', machine !== null)
  if (!again.opened) {
    violated(`it does not open again: ${again.code}: ${again.message}`)
    return
  }
  const { tail, lastSequence } = again.manager.recovery
  if (tail !== 'clean') violated(`it opens again with a tail that is ${tail}`)
  if (lastSequence !== sequence)
    violated(`it opens again at ${String(lastSequence)} instead of ${String(sequence)}`)
  if (again.books.join('\n') !== before.join('\n')) violated('the books differ when it opens again')
  if (machine && again.machine?.describe() !== machine.describe()) {
    violated(
      `the state is ${String(again.machine?.describe())} instead of ${machine.describe()} when it opens again`,
    )
  }
  if (again.unreadable !== '' && subject.unreadable === '') violated(`reading: ${again.unreadable}`)
  const { problem } = holesIn(again.entries)
  if (problem !== '') violated(`reading the journal: ${problem}`)
  await again.manager.close()
}
