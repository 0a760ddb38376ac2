// docs/tutorial.md is done in a fresh folder, word for word: its files are written, its commands are run in one
// shell, and what they print is compared with the page. Only "npm install" is a link to this checkout.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { blocksOf, patternOf, stepsOf } from './page.js'

const root = process.cwd()
const page = 'docs/tutorial.md'
const install = 'npm install pinnacle-persistence'
const end = 'the command has ended'

/** A shell that a user types into; stdout and stderr come as one. */
class Shell {
  readonly #child
  #output = ''
  #onOutput = (): void => undefined

  constructor(directory: string) {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(NODE_|TAP|PINNACLE_|npm_|FORCE_COLOR)/i.test(name),
      ),
    )
    this.#child = spawn('bash', ['--norc'], {
      cwd: directory,
      env: { ...env, npm_config_offline: 'true', npm_config_update_notifier: 'false' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#child.stdin.write('exec 2>&1\n')
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#onOutput()
    })
  }

  async type(command: string): Promise<string> {
    this.#output = ''
    this.#child.stdin.write(`${command}\necho "${end}"\n`)
    await new Promise<void>((resolve, reject) => {
      this.#onOutput = () => {
        if (this.#output.endsWith(`${end}\n`)) resolve()
      }
      this.#child.once('exit', () => {
        reject(new Error(`the shell ended: ${this.#output}`))
      })
    })
    // Shells differ in how they report a job that was killed.
    return this.#output.slice(0, -end.length - 1).replaceAll(/^.*line \d+: +\d+ Killed.*\n/gm, '')
  }

  /** Ends it, and what it left in the background. */
  async close(): Promise<void> {
    await this.type('kill -9 $(jobs -p) 2>/dev/null; wait')
    this.#child.stdin.end()
  }
}

function link(directory: string): void {
  const modules = path.join(directory, 'node_modules')
  mkdirSync(path.join(modules, '.bin'), { recursive: true })
  symlinkSync(root, path.join(modules, 'pinnacle-persistence'))
  const wrapper = path.join(modules, '.bin/pinnacle')
  writeFileSync(wrapper, `#!/bin/sh\nexec node "${root}/dist/cli/main.js" "$@"\n`, { mode: 0o755 })
}

t.test('the tutorial works word for word', async (t) => {
  const outer = mkdtempSync(path.join(tmpdir(), 'pinnacle-tutorial-'))
  const shell = new Shell(outer)
  t.teardown(async () => {
    await shell.close()
    rmSync(outer, { recursive: true, force: true })
  })
  let directory = outer
  let commands = 0
  const blocks = blocksOf(page)
  for (const { line, words, text } of blocks) {
    const [language, what] = words
    if (language === 'js') {
      writeFileSync(path.join(directory, what ?? ''), text)
      continue
    }
    t.equal(language, 'console', `${page}:${line}: a block is a file or commands`)
    for (const { command, expected } of stepsOf(text)) {
      commands++
      if (command === install) {
        link(directory)
        continue
      }
      const printed = await shell.type(command)
      if (command.startsWith('mkdir ')) directory = path.join(directory, 'exchange')
      const pattern = patternOf(expected, what === 'numbers-vary')
      t.match(printed === '' ? '\n' : printed, pattern, `${page}:${line}: ${command}`)
    }
  }
  t.ok(commands > 20, 'the page has its commands')
})
