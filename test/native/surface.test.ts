// The addon's surface is typed by hand: what is declared is what it exports, no more and no less.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { engineOptionsOf } from '../../lib/config/engine-options.js'
import { resolveConfig } from '../../lib/config/load-config.js'
import { native } from '../../lib/native/load.js'

const declarations = new Map<string, ts.InterfaceDeclaration>()
for (const file of [...filesIn('lib/native'), 'lib/secure/native.ts']) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022)
  source.forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) declarations.set(node.name.text, node)
  })
}

function filesIn(directory: string): string[] {
  return readdirSync(directory).map((file) => path.join(directory, file))
}

interface Declared {
  all: string[]
  methods: string[]
  optional: string[]
}

/** Names of an interface's members, those of the interfaces that it extends included. */
function declared(name: string): Declared {
  const declaration = declarations.get(name)
  if (declaration === undefined) throw new Error(`there is no interface ${name} in lib/native`)
  const names: Declared = { all: [], methods: [], optional: [] }
  for (const member of declaration.members) {
    if (member.name === undefined || !ts.isIdentifier(member.name)) continue
    const { text } = member.name
    names.all.push(text)
    if (ts.isMethodSignature(member)) names.methods.push(text)
    if (member.questionToken !== undefined) names.optional.push(text)
  }
  for (const { expression } of (declaration.heritageClauses ?? []).flatMap(({ types }) => types)) {
    if (!ts.isIdentifier(expression)) continue
    const above = declared(expression.text)
    for (const key of ['all', 'methods', 'optional'] as const) names[key].push(...above[key])
  }
  return names
}

/** Names of an object's members, those of its class included. */
function membersOf(object: object): string[] {
  const names = new Set<string>()
  let level = object
  while (level !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(level)) names.add(name)
    level = Object.getPrototypeOf(level) as object
  }
  names.delete('constructor')
  return [...names]
}

function assertSurface(t: Test, object: object, name: string, apart: readonly string[] = []): void {
  const { all, methods, optional } = declared(name)
  const members = membersOf(object)
  const wanted = all.filter((member) => !optional.includes(member) || members.includes(member))
  t.same([...members].sort(), [...wanted, ...apart].sort(), name)
  const functions = members.filter(
    (member) => typeof (object as Record<string, unknown>)[member] === 'function',
  )
  t.same(functions.sort(), methods.sort(), `${name}: functions`)
}

t.test('what the addon exports is what its declarations say', async (t) => {
  const binding = native()
  // (The secrets are declared beside what uses them.)
  assertSurface(t, binding, 'NativeBinding', ['secrets'])
  const { secrets } = binding as unknown as { secrets: object }
  assertSurface(t, secrets, 'NativeSecrets')
  for (const counter of binding.counters) assertSurface(t, counter, 'NativeCounter')
  for (const bounds of Object.values(binding.optionBounds)) {
    assertSurface(t, bounds, 'NativeBounds')
  }
})

t.test('the objects that the addon makes have the members of their declarations', async (t) => {
  const binding = native()
  const dataDirectory = t.testdir()
  const instruments = [{ name: 'ONE', priceScale: 2, quantityScale: 0 }]
  const options = engineOptionsOf(resolveConfig({ dataDirectory, instruments }))
  const events = { durable: () => undefined }
  const { engine, report } = await binding.openEngine(
    options,
    events as unknown as Parameters<typeof binding.openEngine>[1],
    () => undefined,
  )
  // (Its events are kept on it, so that they live as long.)
  assertSurface(t, engine, 'NativeEngine', ['events'])
  assertSurface(t, report, 'NativeRecoveryReport')
  assertSurface(t, report.window, 'NativeWindowFinding')
  const stats = engine.stats()
  assertSurface(t, stats, 'NativeStats')
  assertSurface(t, stats.appendNs, 'NativeHistogram')
  const counted = binding.counters.map(({ name }) => name).filter((name) => !(name in stats))
  t.same(counted, [], 'statistics have every counter of a live writer')
  const books = await engine.booksAt({ sequence: 1 })
  assertSurface(t, books, 'NativeBookSet')
  for (const instrument of books.instruments()) assertSurface(t, instrument, 'NativeInstrument')
  books.close()
  assertSurface(t, await engine.snapshot(null), 'NativeTakenSnapshot')
  assertSurface(t, await engine.rotateSnapshots(2), 'NativeRotationReport')
  assertSurface(t, await engine.compact(false), 'NativeCompactionReport')
  const reader = binding.openReader(dataDirectory, 0)
  assertSurface(t, reader, 'NativeReader')
  reader.close()
  const watch = binding.watchJournal(dataDirectory)
  assertSurface(t, watch, 'NativeWatch')
  watch.close()
  const consumer = await binding.openConsumer(dataDirectory, 'one', 0)
  assertSurface(t, consumer, 'NativeConsumer')
  consumer.close()
  for (const info of await binding.listConsumers(dataDirectory)) {
    assertSurface(t, info, 'NativeConsumerInfo')
  }
  assertSurface(t, binding.readLiveStatus(dataDirectory), 'NativeLiveStatus')
  const inspected = await binding.inspect(dataDirectory, () => undefined)
  assertSurface(t, inspected, 'NativeInspectReport')
  for (const segment of inspected.segments) assertSurface(t, segment, 'NativeSegmentInfo')
  await engine.close()
})
