/** Passes book operations to a state machine as they are applied. */
import type { AppliedEntry } from '../entry/entry.js'
import { operationEntryOf } from '../entry/operation-entry.js'
import { placeOf } from '../journal/transaction.js'
import type { OperationObserver, StagingArea } from '../native/staging.js'
import type { StateMachineHost } from '../engine/state-machine-host.js'

export function observerOf(staging: StagingArea, host: StateMachineHost): OperationObserver {
  return {
    assertApplies() {
      host.assertApplies()
    },
    applied(lanes, words, at, sequence, givenTime, transaction) {
      const entry = operationEntryOf(lanes, words, at, sequence, givenTime)
      if (transaction && transaction[0] !== transaction[1]) {
        entry.transaction = placeOf(sequence, ...transaction)
      }
      if (staging.deferred) staging.deferred.push(entry)
      else host.apply(entry)
    },
    applyDeferred(entries) {
      for (const entry of entries) host.apply(entry as AppliedEntry)
    },
  }
}
