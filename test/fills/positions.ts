/** Two traders' positions, from one entry per trader and fill. */
import type { StateMachine, UserEntry } from '../../lib/index.js'

export const fillType = 1

export class Positions implements StateMachine {
  held = [0, 0]
  /** Two entries per fill. */
  entries = 0

  apply({ payload }: UserEntry): void {
    const view = new DataView(payload.buffer, payload.byteOffset)
    const trader = view.getUint8(0)
    this.held[trader] = (this.held[trader] ?? 0) + view.getInt32(1)
    this.entries++
  }

  snapshot(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify([this.held, this.entries]))
  }

  restore(bytes: Uint8Array): void {
    const saved = JSON.parse(new TextDecoder().decode(bytes)) as [number[], number]
    ;[this.held, this.entries] = saved
  }
}

export function encodeFill(trader: number, quantity: number): Uint8Array {
  const payload = new Uint8Array(5)
  const view = new DataView(payload.buffer)
  view.setUint8(0, trader)
  view.setInt32(1, quantity)
  return payload
}
