// The folders of lib/ are layers: each may import from itself and from those named here, which lie below it.
// `npm run lint:layers` checks it.
const ground = ['native', 'decimal', 'errors', 'registry']
const books = ['book', ...ground]
const settings = ['config', 'entry', ...books]
const journal = ['journal', 'engine', ...settings]
const persistence = ['persistence', 'snapshot', ...journal]

const below = {
  // Number ranges that several layers share.
  registry: [],
  errors: ['registry'],
  decimal: ['errors'],
  native: ['errors'],
  book: ground,
  entry: books,
  config: ['entry', ...books],
  engine: settings,
  journal: ['engine', ...settings],
  snapshot: settings,
  persistence: ['snapshot', ...journal],
  // A second reader of the files, which must share nothing with the first.
  'pure-reader': ['errors'],
  // What the audit trail and the credentials share.
  secure: ground,
  audit: ['secure', ...persistence],
  credentials: ['audit', 'secure', ...persistence],
  'market-data': ['credentials', 'audit', 'secure', ...persistence],
  'order-flow': persistence,
  torture: ['order-flow', 'pure-reader', ...persistence],
}

// The command line uses what the library offers to others, and neither the addon nor the open engine.
const offered = Object.keys(below).filter((layer) => !['native', 'engine'].includes(layer))
below.cli = offered

const anyOf = (layers) => `^lib/(${layers.join('|')})/`

const layers = Object.entries(below).map(([layer, lower]) => ({
  name: `${layer}-imports-downward`,
  comment: `lib/${layer} imports from ${lower.length > 0 ? lower.join(', ') : 'no other folder'} only`,
  severity: 'error',
  from: { path: `^lib/${layer}/` },
  to: { path: '^lib/', pathNot: anyOf([layer, ...lower]) },
}))

export default {
  forbidden: [
    ...layers,
    {
      name: 'folder-without-a-layer',
      comment: 'a new folder of lib/ is named in .dependency-cruiser.mjs, with the layers below it',
      severity: 'error',
      from: { path: '^lib/[^/]+/', pathNot: anyOf(Object.keys(below)) },
      to: {},
    },
    {
      name: 'no-circles',
      comment: 'two files that import each other are one concern, or lack a third one below them',
      severity: 'error',
      from: { path: '^(lib|test|bench|examples)/' },
      to: { circular: true },
    },
    {
      name: 'lib-without-tests',
      comment: 'what users get imports nothing of tests, benchmarks, examples and scripts',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|bench|examples|scripts)/' },
    },
    {
      name: 'lib-without-dev-dependencies',
      comment: 'what users get imports packages that they get too',
      severity: 'error',
      from: { path: '^lib/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      from: { path: '^(lib|test|bench|examples)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build|\\.test-dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
