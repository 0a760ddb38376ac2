// docs/cli.md against the program: every command, argument and option, in both directions, with its text.
import { readFileSync } from 'node:fs'
import type { Command, Option } from 'commander'
import t from 'tap'
import { ExitCode } from '../../lib/cli/exit-codes.js'
import { createProgram } from '../../lib/cli/program.js'

const page = readFileSync('docs/cli.md', 'utf8')

interface Section {
  readonly title: string
  readonly text: string
  /** Rows of its table: the flags, and the rest as one text. */
  readonly options: ReadonlyMap<string, string>
}

const sections = new Map<string, Section>()
for (const part of page.split(/^(?=##+ )/m)) {
  const [, title = ''] = /^##+ (.*)$/m.exec(part) ?? []
  const options = new Map<string, string>()
  for (const [, flags = '', rest = ''] of part.matchAll(/^\| `(-[^`]+)` +\|(.*)\|$/gm)) {
    options.set(flags, cells(rest))
  }
  sections.set(title, { title, text: part, options })
}

function cells(row: string): string {
  return row
    .split('|')
    .map((cell) => cell.trim())
    .join(' | ')
}

function rowOf(option: Option): string {
  const { description, argChoices, mandatory, negate } = option
  const choices = argChoices ? `: ${argChoices.join(', ')}` : ''
  const usual = option.defaultValue as string | number | undefined
  const given = mandatory ? 'required' : usual === undefined || negate ? '' : `\`${usual}\``
  return `${given} | ${description}${choices}`
}

/** The options of a section and of the groups that it links to. */
function optionsOf(section: Section): Map<string, string> {
  const options = new Map<string, string>()
  const [, groups = ''] = /^Takes the options of (.*)$/m.exec(section.text) ?? []
  for (const [, name = ''] of groups.matchAll(/\[([^\]]+)\]/g)) {
    const group = sections.get(name[0]!.toUpperCase() + name.slice(1))
    if (!group) throw new Error(`${section.title}: there is no group "${name}"`)
    for (const [flags, text] of group.options) options.set(flags, text)
  }
  for (const [flags, text] of section.options) options.set(flags, text)
  return options
}

const program = await createProgram(['--help'])
const commands = new Map<string, Command>()
function collect(parent: Command, before: string): void {
  for (const command of parent.commands) {
    const name = `${before} ${command.name()}`
    commands.set(name, command)
    collect(command, name)
  }
}
collect(program, 'pinnacle')

t.test('every command has its section, and every section its command', async (t) => {
  const titles = [...sections.keys()].filter((title) => title.startsWith('pinnacle '))
  t.same(titles.sort(), [...commands.keys()].sort())
  t.ok(titles.length > 40)
})

t.test('a section has the arguments, the text and the options of its command', async (t) => {
  for (const [name, command] of commands) {
    const section = sections.get(name)
    if (!section) continue
    const wanted = new Map(command.options.map((option) => [option.flags, rowOf(option)]))
    t.same(Object.fromEntries(optionsOf(section)), Object.fromEntries(wanted), name)
    if (command.commands.length > 0) continue
    const words = command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    )
    const usage = `\`${[name, ...words].join(' ')}\`: ${command.description()}.`
    t.ok(section.text.includes(usage), usage)
  }
})

t.test('the options of every command and the exit codes are those of the program', async (t) => {
  const global = sections.get('Options of every command')
  const wanted = new Map(program.options.map((option) => [option.flags, rowOf(option)]))
  t.same(Object.fromEntries(global?.options ?? []), Object.fromEntries(wanted))
  const codes = [...(sections.get('Exit codes')?.text ?? '').matchAll(/^\| (\d+) +\|/gm)]
  t.same(
    codes.map(([, code]) => Number(code)),
    Object.values(ExitCode),
  )
})

t.test('the first table has every command that works on a data directory', async (t) => {
  const [, table = ''] = /\n\| command [^\n]*\n([\s\S]*?)\n\n/.exec(page) ?? []
  const listed = [...table.matchAll(/^\| \[`([^`]+)`\]/gm)].map(([, name = '']) => name)
  const leaves = [...commands].filter(([, command]) => command.commands.length === 0)
  const names = leaves.map(([name]) => name.replace('pinnacle ', ''))
  const own = /^(?:creds|audit) /
  t.same(listed.sort(), [...names.filter((name) => !own.test(name)), 'creds …', 'audit …'].sort())
})
