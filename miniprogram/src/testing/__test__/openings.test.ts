// The built mini-program's pages are opened by scripts/open-pages.mjs, which takes minutes with its build; that none of
// them is forgotten there is held here.
import { expect, test, vi } from 'vitest'
import { routes, tabs } from '../../utils/navigate'
import { openings } from '../weapp/openings'

interface AppConfig {
  pages: string[]
  subPackages?: { root: string; pages: string[] }[]
}

async function configuredPages(): Promise<string[]> {
  vi.stubGlobal('defineAppConfig', (config: AppConfig) => config)
  const { default: config } = (await import('../../app.config')) as { default: AppConfig }
  return [...config.pages, ...(config.subPackages ?? []).flatMap(({ root, pages }) => pages.map((page) => `${root}/${page}`))]
}

/** Every address the app makes, with all the parameters it can have. */
const addresses = [...Object.values(tabs), ...Object.values(routes).map((route) => (route as (...ids: string[]) => string)('A', 'B'))]

test('every page of the app is opened in the stand-in for WeChat', async () => {
  expect(Object.keys(openings).sort()).toEqual((await configuredPages()).sort())
})

test.each(addresses.map((url) => url.slice(1).split('?') as [string, string?]))('%s is opened with the parameters it is given', (path, query = '') => {
  const given = query.split('&').filter(Boolean).map((pair) => pair.split('=')[0])
  const tried = new Set((openings[path] ?? []).flatMap((opening) => Object.keys(opening.query ?? {})))
  expect([...tried].sort()).toEqual(given.sort())
})
