import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { node } from '../children.js'
import { temporaryDirectory } from './support.js'

t.setTimeout(240_000)

const child = fileURLToPath(new URL('./cli-child.js', import.meta.url))
const password = 'seven purple walruses dance 41'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(args: readonly string[], input = '', env: Record<string, string> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(...node(child, ...args), {
    input,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
    timeout: 60_000,
  })
  return { code: status, out: stdout, err: stderr }
}

interface Place {
  readonly directory: string
  readonly data: string
  readonly unlock: readonly string[]
}

function place(t: Parameters<typeof temporaryDirectory>[0]): Place {
  const directory = temporaryDirectory(t)
  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  return { directory, data, unlock: ['-d', data, '--password-file', passwordFile] }
}

t.test('a store from init to restore, with its trail in a journal', { timeout: 120_000 }, (t) => {
  const { directory, data, unlock } = place(t)
  const init = ['--kdf', 'pbkdf2-hmac-sha256', '--iterations', '100000']
  t.match(run(['creds', 'init', ...unlock, ...init]), {
    code: 0,
    out: /can't be opened without the password/,
  })
  t.equal(statSync(data).mode & 0o777, 0o700)
  t.equal(statSync(join(data, 'secure_config.json')).mode & 0o777, 0o600)
  t.notOk(existsSync(join(data, 'audit.key')), "the trail's verification key went into the store")

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'sec1' }) as string
  const name =
    'organizations/0123abcd-0000-4000-8000-000000000001/apiKeys/0123abcd-0000-4000-8000-000000000002'
  const cdp = join(directory, 'cdp.json')
  writeFileSync(cdp, JSON.stringify({ name, privateKey: pem }), { mode: 0o644 })
  t.match(
    run([
      'creds',
      'add',
      'coinbase',
      ...unlock,
      '--kind',
      'coinbase-cdp',
      '--file',
      cdp,
      '--expires',
      '2999-01-01',
    ]),
    {
      code: 0,
      err: /others can read .*cdp.json/,
    },
  )
  t.match(run(['creds', 'add', 'plain', ...unlock, '--fd', '0'], 'the-plain-secret\n'), { code: 0 })
  t.match(run(['creds', 'add', 'plain', ...unlock, '--fd', '0'], 'x'), {
    code: 1,
    err: /ERR_PINNACLE_DUPLICATE_CREDENTIAL/,
  })
  t.match(run(['creds', 'list', ...unlock]), {
    code: 0,
    out: /coinbase +coinbase-cdp +1 .*2999-01-01 +name privateKey\nplain +generic/,
  })
  t.equal(run(['creds', 'reveal', 'coinbase', ...unlock, '--field', 'privateKey']).out, pem)
  t.match(run(['creds', 'rotate', 'plain', ...unlock, '--fd', '0'], 'the-newer-secret\n'), {
    code: 0,
  })
  t.equal(run(['creds', 'reveal', 'plain', ...unlock]).out, 'the-newer-secret')
  t.equal(run(['creds', 'reveal', 'plain', ...unlock, '--version', '1']).out, 'the-plain-secret')
  t.match(run(['creds', 'reveal', 'plan', ...unlock]), {
    code: 1,
    out: '',
    err: /did you mean "plain"/,
  })
  t.match(run(['--json', 'creds', 'verify', ...unlock]), {
    code: 0,
    out: /"credentials":2,"values":3/,
  })

  const backup = join(directory, 'backup')
  t.match(run(['creds', 'backup', backup, ...unlock]), { code: 0 })
  rmSync(join(data, 'secure_config.json'))
  t.match(run(['creds', 'list', ...unlock]), { code: 1, err: /CREDENTIALS_NOT_FOUND/ })
  t.match(run(['creds', 'restore', backup, '-d', data]), { code: 0 })
  t.match(run(['creds', 'remove', 'plain', ...unlock]), { code: 0 })
  t.match(run(['creds', 'restore', backup, '-d', data]), {
    code: 1,
    err: /WOULD_OVERWRITE.*--force/,
  })

  const shown = run(['--json', 'audit', 'show', ...unlock, '--unlock'])
  t.equal(shown.code, 0)
  const trail = JSON.parse(shown.out) as {
    authenticated: boolean
    lines: { action: string; outcome: string }[]
  }
  t.equal(trail.authenticated, true)
  const actions = trail.lines.map(({ action, outcome }) => `${action} ${outcome}`)
  for (const wanted of [
    'audit.create ok',
    'credentials.create ok',
    'credentials.unlock ok',
    'credentials.unlock failed',
    'credentials.change ok',
    'credentials.change failed',
    'credentials.access ok',
    'credentials.access failed',
    'credentials.backup ok',
    'credentials.restore ok',
    'credentials.restore failed',
  ]) {
    t.ok(actions.includes(wanted), wanted)
  }
  const everything =
    shown.out +
    readdirSync(join(data, 'audit'), { recursive: true, encoding: 'utf8' })
      .map((name_) => join(data, 'audit', name_))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, 'latin1'))
      .join('')
  t.notMatch(
    everything,
    /the-plain-secret|the-newer-secret|BEGIN EC|walruses/,
    'no secret is in the trail',
  )
  t.match(run(['audit', 'verify', ...unlock, '--unlock']), { code: 0, out: /all as written/ })
  t.match(run(['audit', 'verify', '-d', data]), { code: 0, err: /chain only/ })
  t.match(run(['audit', 'show', '-d', data, '--last', '2']).out.trim().split('\n').length, 2)

  const head = join(data, 'audit-head.json')
  const text = readFileSync(head, 'utf8')
  writeFileSync(
    head,
    text.replace(/"sequence": (\d+)/, (_, n: string) => `"sequence": ${String(Number(n) + 1)}`),
  )
  t.match(run(['audit', 'verify', '-d', data]), { code: 4, err: /tampered: .*the head says that/ })
  t.match(run(['creds', 'list', ...unlock]), { code: 1, err: /AUDIT_TAMPERED/ })
  t.match(run(['audit', 'restart', '-d', data]), { code: 2, err: /--yes/ })
  t.match(run(['audit', 'restart', '-d', data, '--yes']), { code: 0 })
  t.match(run(['audit', 'verify', '-d', data]), { code: 0, out: /2 lines, all as written/ })
  t.match(run(['audit', 'key', join(directory, 'moved.key'), '-d', data]), { code: 0 })
  t.match(run(['audit', 'verify', '-d', data, '--key-file', join(directory, 'moved.key')]), {
    code: 0,
    err: '',
  })
  const exported = run(['audit', 'export', '-d', data])
  t.match(JSON.parse(exported.out.split('\n')[0]!), { sequence: 1, action: 'audit.create' })
  t.end()
})

t.test('the password comes from a safe source or not at all', { timeout: 120_000 }, (t) => {
  const { directory, data, unlock } = place(t)
  const passwordFile = unlock[3]!
  t.match(
    run(['creds', 'init', '-d', data, '--password-fd', '0', '--iterations', '100000'], 'short\n'),
    { code: 1, err: /WEAK_PASSWORD/ },
  )
  t.match(run(['creds', 'init', '-d', data, '--password-fd', '0'], 'aaaaaaaaaaaaaaaa\n'), {
    code: 1,
    err: /WEAK_PASSWORD.*easy to guess/,
  })
  t.match(run(['creds', 'init', '-d', data, '--password-fd', '0'], ''), {
    code: 1,
    err: /password is empty/,
  })
  t.notOk(existsSync(join(data, 'secure_config.json')))
  t.match(
    run(
      ['creds', 'init', '-d', data, '--password-fd', '0', '--iterations', '100000'],
      `${password}\r\nmore\n`,
    ),
    { code: 0 },
  )
  t.match(run(['creds', 'list', ...unlock]), { code: 0, out: /No credentials yet/ })
  const environment = run(['creds', 'list', '-d', data, '--password-env'], '', {
    PINNACLE_MASTER_PASSWORD: password,
  })
  t.match(environment, { code: 0, err: /warning: the password came from the environment/ })
  t.match(run(['creds', 'list', '-d', data, '--password-env', 'NONE_SUCH']), {
    code: 1,
    err: /NONE_SUCH is not set/,
  })
  t.match(run(['creds', 'list', '-d', data, '--password', password]), {
    code: 2,
    err: /unknown option/,
  })
  t.match(run(['creds', 'list', ...unlock, '--password-fd', '0']), {
    code: 2,
    err: /several sources/,
  })
  chmodSync(passwordFile, 0o644)
  t.match(run(['creds', 'list', ...unlock]), { code: 1, err: /UNSAFE_FILE.*chmod 600/ })
  t.match(run(['creds', 'list', '-d', data, '--password-file', join(directory, 'none')]), {
    code: 1,
    err: /NOT_FOUND/,
  })
  t.match(run(['creds', 'list', '-d', data, '--password-fd', '0'], 'x'.repeat(5000)), {
    code: 1,
    err: /longer than 1024/,
  })
  t.match(
    run(
      ['creds', 'init', '-d', data, '--password-fd', '0', '--iterations', '99999'],
      `${password}\n`,
    ),
    { code: 1, err: /CREDENTIALS/ },
  )
  t.end()
})

t.test('wrong passwords given to separate processes add up', { timeout: 120_000 }, (t) => {
  const { data, unlock } = place(t)
  t.match(run(['creds', 'init', ...unlock, '--iterations', '100000']), { code: 0 })
  for (let i = 0; i < 4; i++)
    run(['creds', 'list', '-d', data, '--password-fd', '0'], 'a wrong password\n')
  const status = run(['--json', 'creds', 'status', '-d', data])
  t.ok((JSON.parse(status.out) as { failures: number }).failures >= 3)
  const immediately = run(['creds', 'list', '-d', data, '--password-fd', '0'], 'a wrong password\n')
  t.match(immediately.err, /WRONG_PASSWORD|LOCKED_OUT/)
  t.end()
})

t.test('keys of recipients are made, added, used and removed', { timeout: 120_000 }, (t) => {
  const { directory, data, unlock } = place(t)
  const key = join(directory, 'rescue')
  t.match(run(['creds', 'init', ...unlock, '--iterations', '100000']), { code: 0 })
  t.match(run(['creds', 'add', 'a', ...unlock, '--fd', '0'], 'value'), { code: 0 })
  t.match(run(['creds', 'keygen', key, '--password-fd', '0'], 'another good long password 77\n'), {
    code: 0,
  })
  t.match(run(['creds', 'keygen', key, '--password-fd', '0'], 'another good long password 77\n'), {
    code: 1,
    err: /ALREADY_EXISTS/,
  })
  t.equal(statSync(key).mode & 0o777, 0o600)
  t.match(run(['creds', 'key', 'add-recipient', `${key}.pub`, ...unlock]), { code: 0 })
  const theirs = ['-d', data, '--recipient-key', key, '--password-fd', '0']
  t.equal(run(['creds', 'reveal', 'a', ...theirs], 'another good long password 77\n').out, 'value')
  const status = JSON.parse(run(['--json', 'creds', 'status', '-d', data]).out) as {
    keys: { name: string }[]
  }
  const name = status.keys.map((each) => each.name).find((each) => each.startsWith('recipient:'))!
  t.match(run(['creds', 'key', 'remove', 'recipient:none', ...unlock]), {
    code: 1,
    err: /no such key/,
  })
  t.match(run(['creds', 'key', 'remove', name, ...unlock]), { code: 0 })
  t.match(run(['creds', 'reveal', 'a', ...theirs], 'another good long password 77\n'), {
    code: 1,
    out: '',
    err: /NO_KEY/,
  })
  t.end()
})
