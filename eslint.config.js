import eslint from '@eslint/js'
import tseslint from 'typescript-eslint'

export default tseslint.config(
  {
    ignores: ['build/', 'dist/', '.build/', '.test-dist/', '.tap/', 'third_party/', 'native/'],
  },
  eslint.configs.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A number in a template is what a message needs most of the time.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Indexed access is checked by the compiler (noUncheckedIndexedAccess); the hot path asserts
      // what its layout guarantees.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    // Plain lines, with comments and blanks: what a reader has to scroll through.
    files: ['lib/**/*.ts'],
    rules: {
      'max-lines': ['error', 500],
      'max-lines-per-function': ['error', 70],
    },
  },
  {
    // `t.test` answers a promise that tap itself awaits, and tests hand in what the types forbid.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/children.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression[property.name="execPath"], ImportSpecifier[imported.name="fork"][parent.source.value="node:child_process"]',
          message: 'test/children.ts starts Node without the loaders of the test runner.',
        },
        {
          selector: 'CallExpression[callee.object.name="Math"][callee.property.name="random"]',
          message: 'test/seed.ts draws what can be repeated.',
        },
        ...[
          '> ObjectExpression.arguments:nth-child(2)[properties.length=0]',
          '> .arguments:nth-child(2) ObjectExpression[properties.length=0]',
          '> ArrayExpression.arguments:nth-child(2)[elements.length=0]',
          '> .arguments:nth-child(2) ArrayExpression[elements.length=0]',
        ].map((pattern) => ({
          selector: `CallExpression[callee.property.name="match"] ${pattern}`,
          message: 'An empty pattern matches everything: say { length: 0 }, or use t.strictSame.',
        })),
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        URL: 'readonly',
        clearTimeout: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        process: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
)
