// Tests of the plain functions and services; the pages are driven in a real browser by tests/e2e.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  define: { API_URL: '""', 'process.env.TARO_ENV': '"h5"' },
  test: { include: ['src/**/__test__/*.test.ts'], setupFiles: ['src/testing/setup.ts'], restoreMocks: true },
})
