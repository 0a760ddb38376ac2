/**
 * The process that judges: the torture itself must not die or hang with the engine that it tries. Takes
 * requests and answers over the IPC channel, one at a time.
 */
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { Random } from '../order-flow/random.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { readHead } from '../pure-reader/head.js'
import { readJournal } from '../pure-reader/journal.js'
import { RecoveryCheck, hasSegments, type Claim, type Judgement } from './check-recovery.js'
import { damageDirectory, type Damage, type DamageKind } from './damage.js'
import { donorsFor } from './donors.js'
import { judgeRepair } from './judge-repair.js'
import { SightingFiles } from './judge-sightings.js'
import { Oracle } from './oracle.js'
import { tryRepair, type RepairTrial } from './repair-trial.js'

export type CheckRequest =
  /** A new directory: what is asked next is about this one. */
  | { kind: 'begin'; flowSeed: number; machine: boolean }
  | { kind: 'check'; dataDirectory: string; claim: Claim }
  /** What followers recorded, no entry of which may be later than `atMost`. */
  | { kind: 'sightings'; files: readonly string[]; atMost: number }
  /** Damages a copy of the directory, at rest. */
  | { kind: 'damage'; dataDirectory: string; damage: DamageKind; seed: number; scratch: string }
  /** Repairs a copy of a damaged directory, in `scratch`, and judges that. */
  | { kind: 'repair'; trial: RepairTrial; acknowledged: number; scratch: string }
  /** The writer is stopped, and alive. */
  | { kind: 'peek'; dataDirectory: string; returned: number; durable: number }

export interface CheckAnswer {
  judgement?: Judgement
  damage?: Damage
  /** Whether the repair was refused. */
  refused?: boolean
  violations: string[]
}

let oracle = new Oracle(0)
let sightings = new SightingFiles(oracle.eventOf)
let machine = false

async function answerTo(request: CheckRequest): Promise<CheckAnswer> {
  switch (request.kind) {
    case 'begin':
      oracle = new Oracle(request.flowSeed)
      sightings = new SightingFiles(oracle.eventOf)
      machine = request.machine
      return { violations: [] }
    case 'check': {
      const { dataDirectory, claim } = request
      const judgement = await new RecoveryCheck(oracle, dataDirectory, claim, machine).run()
      return { judgement, violations: judgement.violations }
    }
    case 'sightings':
      return { violations: sightings.judge(request.files, request.atMost) }
    case 'damage': {
      const { dataDirectory, scratch, seed } = request
      const random = new Random(seed)
      const donors = donorsFor(dataDirectory, scratch, random)
      const damage = await damageDirectory(dataDirectory, request.damage, random, donors)
      return { damage, violations: [] }
    }
    case 'repair': {
      const { trial, acknowledged, scratch } = request
      const outcome = await tryRepair(trial, scratch)
      const { damage } = trial
      const evidence = { damage, acknowledged, machine, eventOf: oracle.eventOf }
      const refused = outcome.repair.refused !== undefined
      return { refused, violations: judgeRepair(evidence, outcome) }
    }
    case 'peek':
      return { violations: await peek(request.dataDirectory, request.returned, request.durable) }
  }
}

/**
 * No second writer may open the directory, and a reader sees everything that has returned. With a window it sees
 * everything durable: the thread that writes the rest to the files is stopped as well, and goes on with the writer.
 */
async function peek(dataDirectory: string, returned: number, durable: number): Promise<string[]> {
  const violations: string[] = []
  if (!hasSegments(dataDirectory)) return violations
  try {
    const manager = await PersistenceManager.open({ dataDirectory, create: false })
    await manager.close()
    violations.push('a second writer could open the directory of a stopped one')
  } catch (error) {
    const locked = isPinnacleError(error) && error.code === 'ERR_PINNACLE_LOCKED'
    if (!locked) violations.push(`a second writer was refused with ${String(error)}`)
  }
  const journal = readJournal(dataDirectory)
  const head = readHead(dataDirectory)
  const atLeast = typeof head === 'object' && head.window !== '' ? durable : returned
  if (journal.verdict === 'corrupt') {
    violations.push(`beside a stopped writer: ${journal.problems.join('; ')}`)
  }
  if (Number(journal.lastSequence) < atLeast) {
    violations.push(
      `beside a stopped writer the journal ends at ${String(journal.lastSequence)}; ` +
        (atLeast === returned
          ? `${String(returned)} has returned`
          : `${String(durable)} is durable`),
    )
  }
  return violations
}

process.on('message', (request: CheckRequest) => {
  answerTo(request)
    .catch((error: unknown): CheckAnswer => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return { violations: [`the check failed: ${text}`] }
    })
    .then((answer) => process.send?.(answer))
    .catch(() => process.exit(1))
})

process.on('disconnect', () => process.exit(0))
