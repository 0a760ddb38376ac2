import type { AppliedEntry, OperationEntry, StateMachine, UserEntry } from '../../lib/index.js'

/** Remembers all that it is given, so that live and replayed entries can be compared. */
export class RecordingMachine implements StateMachine {
  seen: string[] = []
  onEntry: (entry: AppliedEntry) => void = () => undefined
  apply(entry: UserEntry): void {
    this.#record(entry)
  }
  applyOperation(operation: OperationEntry): void {
    this.#record(operation)
  }
  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.seen))
  }
  restore(bytes: Uint8Array): void {
    this.seen = JSON.parse(Buffer.from(bytes).toString()) as string[]
  }
  #record(entry: AppliedEntry): void {
    this.seen.push(
      JSON.stringify(entry, (_, value: unknown) =>
        typeof value === 'bigint' ? `${String(value)}n` : value,
      ),
    )
    this.onEntry(entry)
  }
}
