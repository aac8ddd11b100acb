// Strict TypeScript rules with types, and the rules of hooks. Nothing is allowed to warn.
import eslint from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'

const CHINESE = '/[\\u3400-\\u9fff]/'

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
  { files: ['src/texts/**', '**/__test__/**', 'src/testing/**'], rules: { 'no-restricted-syntax': 'off', 'max-lines-per-function': 'off' } },
)
