/** Announcing to the audit trail what is about to be done, and recording how it ended. */
import type { AuditAction, AuditDetail, AuditSink } from '../audit/event.js'
import { CredentialCode, codeOf } from '../secure/errors.js'
import { checkName } from './validation.js'

export interface Announced {
  readonly action: AuditAction
  readonly target: string
  readonly detail?: AuditDetail
}

/** A name as an audit line may show it: what does not look like a name may be a secret pasted by mistake. */
export const shownName = (name: unknown): string => {
  try {
    checkName(name)
    return name
  } catch {
    return '[refused]'
  }
}

export async function audited<T>(
  audit: AuditSink,
  event: Announced,
  work: () => Promise<T>,
): Promise<T> {
  await audit.record({ ...event, outcome: 'started' })
  let result: T
  try {
    result = await work()
  } catch (error) {
    const outcome = codeOf(error) === CredentialCode.LockedOut ? 'refused' : 'failed'
    await audit.record({ ...event, outcome, code: codeOf(error) })
    throw error
  }
  await audit.record({ ...event, outcome: 'ok' })
  return result
}
