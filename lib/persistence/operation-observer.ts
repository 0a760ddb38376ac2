/** Tells a state machine of book operations as they are applied. */
import { operationEntryOf } from '../journal/operation-entry.js'
import type { OperationObserver, StagingArea } from '../native/staging.js'
import type { StateMachineHost } from './state-machine-host.js'

export function observerOf(staging: StagingArea, host: StateMachineHost): OperationObserver {
  return {
    assertApplies() {
      host.assertApplies()
    },
    applied(lanes, words, at, sequence, givenTime) {
      const entry = operationEntryOf(lanes, words, at, sequence, givenTime)
      if (staging.deferred) staging.deferred.push(entry)
      else host.apply(entry)
    },
  }
}
