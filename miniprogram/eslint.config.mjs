// Strict TypeScript rules with types, and the rules of hooks. Nothing is allowed to warn.
import eslint from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'

const CHINESE = '/[\\u3400-\\u9fff]/'

/** What only browsers have. In the mini-program each is undefined, and whoever touches it breaks the page. */
const WEB_ONLY = [
  'window', 'document', 'navigator', 'location', 'history', 'localStorage', 'sessionStorage', 'fetch', 'XMLHttpRequest', 'WebSocket', 'FormData', 'FileReader', 'Blob',
  'File', 'Image', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'btoa', 'atob', 'crypto', 'structuredClone', 'getComputedStyle', 'alert', 'confirm',
]
/** They ask first where they run. */
const LOOK_FIRST = [
  'src/utils/ids.ts', 'src/utils/largeType.ts', 'src/utils/pay.ts', 'src/utils/platform.ts', 'src/utils/request.ts', 'src/utils/signIn.ts',
  'src/pages/booking/slots/index.tsx', 'src/pages/surveys/answer/index.tsx',
]

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'babel.config.js', 'eslint.config.mjs', 'scripts'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      'react-hooks/exhaustive-deps': 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 60],
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: true } }],
      // All words are in src/texts, so that one person can read and change them.
      'no-restricted-syntax': [
        'error',
        { selector: `Literal[value=${CHINESE}]`, message: 'Chinese texts live in src/texts.' },
        { selector: `TemplateElement[value.raw=${CHINESE}]`, message: 'Chinese texts live in src/texts.' },
        { selector: `JSXText[value=${CHINESE}]`, message: 'Chinese texts live in src/texts.' },
      ],
    },
  },
  {
    files: ['src/**'],
    ignores: ['**/*.h5.*', '**/__test__/**', 'src/testing/**', ...LOOK_FIRST],
    rules: {
      'no-restricted-globals': ['error', ...WEB_ONLY.map((name) => ({ name, message: 'The mini-program has none: put it into a file *.h5.ts, with one for WeChat beside it.' }))],
    },
  },
  { files: ['src/texts/**', '**/__test__/**', 'src/testing/**'], rules: { 'no-restricted-syntax': 'off', 'max-lines-per-function': 'off' } },
)
