// The command line before any command runs: what is loaded, and which arguments are refused.
import assert from 'node:assert/strict'
import { CommanderError, type Command } from 'commander'
import fc from 'fast-check'
import t from 'tap'
import { commandNames, createProgram } from '../../lib/cli/program.js'

/** Commands and subcommands that have an action, by path. */
function leaves(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }]
  return command.commands.flatMap((nested) => leaves(nested, [...path, nested.name()]))
}

function silence(command: Command): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  for (const nested of command.commands) silence(nested)
}

t.test('a named command is loaded alone, and it is the one of the whole program', async (t) => {
  const whole = await createProgram(['--help'])
  t.same(
    whole.commands.map((command) => command.name()),
    commandNames,
    'in the order of the list',
  )
  for (const name of commandNames) {
    const { commands } = await createProgram(['--json', name])
    t.same(
      commands.map((command) => command.name()),
      [name],
    )
    t.equal(
      commands[0]?.helpInformation(),
      whole.commands.find((each) => each.name() === name)?.helpInformation(),
      name,
    )
  }
  t.same((await createProgram(['--version'])).commands, [])
  t.same((await createProgram(['histry'])).commands.length, commandNames.length)
})

t.test('an unknown option is refused by every command before it does anything', async (t) => {
  const whole = await createProgram([])
  const paths = leaves(whole).map(({ path }) => path)
  t.ok(paths.length > commandNames.length)
  const option = fc.stringMatching(/^--[a-z]{1,12}-zz$/)
  const position = fc.nat({ max: 3 })
  const words = fc.array(
    fc.string({ maxLength: 12 }).filter((text) => !text.startsWith('-')),
    {
      maxLength: 3,
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), option, words, position, async (path, ...rest) => {
      const [unknown, given, at] = rest
      const typed = [...path, ...given.slice(0, at), unknown, ...given.slice(at)]
      const program = await createProgram(typed)
      silence(program)
      let ran = false
      for (const { command } of leaves(program)) {
        command.action(() => {
          ran = true
        })
      }
      const failure: unknown = await program.parseAsync(typed, { from: 'user' }).then(
        () => undefined,
        (error: unknown) => error,
      )
      assert.ok(failure instanceof CommanderError, typed.join(' '))
      assert.notEqual(failure.exitCode, 0)
      assert.equal(ran, false)
    }),
    { numRuns: 300 },
  )
  t.pass()
})

t.test('whatever is typed, it runs a command or is refused by name', async (t) => {
  const word = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(...commandNames, '--json', '-q', '-d', '--data', '--', '--from', '-1', 'x'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (typed) => {
      const program = await createProgram(typed)
      silence(program)
      for (const { command } of leaves(program)) command.action(() => undefined)
      try {
        await program.parseAsync(typed, { from: 'user' })
      } catch (error) {
        assert.ok(
          error instanceof CommanderError ||
            String((error as { code?: unknown }).code).startsWith('ERR_PINNACLE_'),
          `${typed.join(' ')}: ${String(error)}`,
        )
      }
    }),
    { numRuns: 500 },
  )
  t.pass()
})
