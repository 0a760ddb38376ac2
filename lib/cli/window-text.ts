/** What became of an earlier writer's window, for people. */
import type { WindowFinding } from '../persistence/events.js'
import type { Output } from './output.js'
import { count, plural } from './text.js'

/** '' if there is nothing to say. `taken`: it is in the files by now. */
export function windowText(output: Output, window: WindowFinding, taken: boolean): string {
  const { fate, path, reason, entries, lastSequence } = window
  const { red } = output.colors
  switch (fate) {
    case 'none':
      return ''
    case 'other-boot':
      return `${path} was of an earlier boot: its entries went with the machine's memory`
    case 'gone':
    case 'refused':
      return red(reason)
    case 'used': {
      const had =
        entries === 0
          ? `${path} had nothing that the segment files lack`
          : `${plural(entries, 'entry', 'entries')} up to ${count(lastSequence)} ` +
            (taken ? `taken over from ${path}` : `in ${path} only, which the next open takes over`)
      return reason === '' ? had : `${had}; ${red(reason)}`
    }
  }
}

export function showWindow(output: Output, window: WindowFinding, taken: boolean): void {
  const text = windowText(output, window, taken)
  if (text !== '') output.field('window', text)
}
