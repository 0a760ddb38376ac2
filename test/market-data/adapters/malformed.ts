/** Breaks a valid frame at one field in every way that the field's kind allows. */
import type { FeedAdapter } from '../../../lib/market-data/feed-adapter.js'
import type { ParsedFrame } from '../../../lib/market-data/feed-update.js'

/** Not decimal numbers, with a sign or without. */
const noDecimal = [true, {}, [], '1e3', '1.', '.5', '01', '1'.repeat(41), '--1', '-', '+1', '-01']
const missing = [undefined, null, '']

/** Values that must be refused, by the kind of field. `undefined` removes the field. */
const wrong = {
  decimal: [...missing, ...noDecimal, '-1', '0x1', 'NaN', ' 1'],
  optionalDecimal: [...noDecimal, '-1', 'Infinity'],
  // (The instrument decides whether a price may be negative.)
  price: [...missing, ...noDecimal, '0x1', 'NaN', ' 1'],
  optionalPrice: [...noDecimal, 'Infinity'],
  time: [
    undefined,
    null,
    '',
    7,
    {},
    '2026-02-29T00:00:00Z',
    '2026-03-04T24:00:00Z',
    '2026-03-04 05:06:07Z',
    '2026-03-04T05:06:07',
    '2026-03-04T05:06:07.1234567890Z',
    '2026-03-04T05:06:07+01:00',
  ],
  optionalTime: [7, {}, '2026-02-29T00:00:00Z', 'yesterday'],
  product: [undefined, null, '', {}, [], 'BTC USD', 'B'.repeat(65), 'BTC\u0000USD', '💰-USD'],
  count: [undefined, null, '', '1', {}, -1, 0.5, 2 ** 53, true],
  id: [undefined, null, '', {}, [], -1, 0.5, 'a b', 'x'.repeat(65), true],
  integer: [undefined, null, '', {}, [], true, 'x', 0.5, -1, '1'.repeat(21)],
  uuid: [
    undefined,
    null,
    '',
    7,
    {},
    '11111111-2222-4333-8444-55555555555',
    'z1111111-2222-4333-8444-555555555555',
  ],
  side: [undefined, null, '', 0, {}, 'BID', 'Buy ', 'both'],
  flag: [undefined, null, 0, 'true', {}],
  list: [undefined, null, '', 7, {}, true],
  object: [undefined, null, '', 7, [], true],
  text: [undefined, null, '', 7, {}, 'x'.repeat(1025)],
} as const
export type FieldKind = keyof typeof wrong

type Container = Record<string | number, unknown>

/** `events[0].updates[1].side` as keys. */
function keysOf(path: string): (string | number)[] {
  return path
    .split(/[.[\]]/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

function withField(frame: string, path: string, value: unknown): string {
  const root = JSON.parse(frame) as Container
  const keys = keysOf(path)
  const last = keys.pop() ?? ''
  const parent = keys.reduce<Container>((container, key) => container[key] as Container, root)
  // A hole in a list becomes null, which is just as wrong.
  if (value === undefined && !Array.isArray(parent)) Reflect.deleteProperty(parent, last)
  else parent[last] = value
  return JSON.stringify(root)
}

/** Breaks that were not reported as malformed with the field's path in front; empty if all were. */
export function acceptedBreaks(
  makeAdapter: () => FeedAdapter,
  frame: string,
  fields: Readonly<Record<string, FieldKind>>,
  told: (path: string) => string = (path) => path,
): string[] {
  const accepted: string[] = []
  const good = makeAdapter().parse(frame)
  if (good.kind !== 'updates') accepted.push(`the frame itself is ${good.kind}`)
  for (const [path, kind] of Object.entries(fields)) {
    for (const value of wrong[kind]) {
      const parsed: ParsedFrame = makeAdapter().parse(withField(frame, path, value))
      if (parsed.kind === 'malformed' && parsed.reason.startsWith(`${told(path)} `)) continue
      const said = parsed.kind === 'malformed' ? parsed.reason : parsed.kind
      accepted.push(`${path} = ${value === undefined ? 'nothing' : JSON.stringify(value)}: ${said}`)
    }
  }
  return accepted
}
