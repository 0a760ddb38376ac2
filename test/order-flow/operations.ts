import type { FlowOperation } from '../../lib/order-flow/flow-operation.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'

/** All operations of a source, copied, since a chunk is only valid until the next. */
export async function operationsOf(source: FlowSource): Promise<FlowOperation[]> {
  const all: FlowOperation[] = []
  for await (const operations of source.operations()) {
    for (const operation of operations) all.push({ ...operation })
  }
  return all
}
