import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fakeTaro, standOn, visited } from '../../testing/fakeTaro'
import { go, goAfterSignIn, goBack, goSignIn, replace, routes, tabs } from '../navigate'

const config = readFileSync(new URL('../../app.config.ts', import.meta.url), 'utf8')

describe('the pages', () => {
  test('every address names a page of the app', () => {
    const addresses = [...Object.values(tabs), ...Object.values(routes).map((route) => (route as (...ids: string[]) => string)('A', 'B'))]
    const unknown = addresses.filter((url) => !config.includes(`'${(url.split('?')[0] ?? '').slice(1)}'`))
    expect(unknown).toEqual([])
  })
  test('ids travel in the query', () => {
    expect(routes.confirm('S 1', 7)).toBe('/pages/booking/confirm/index?schedule_id=S%201&number=7')
    expect(routes.days('D')).toBe('/pages/booking/days/index?department_id=D')
  })
})

describe('going', () => {
  test('a tab is switched to, another page is opened', () => {
    go(tabs.code)
    go(routes.messages())
    replace(routes.appointment('A'))
    expect(visited).toEqual([`tab ${tabs.code}`, 'to /pages/messages/list/index', 'replace /pages/appointments/detail/index?appointment_id=A'])
  })
  test('back from the only page is home', () => {
    standOn({ path: '/pages/about/index' })
    goBack()
    expect(visited).toEqual([`tab ${tabs.home}`])
  })
  test('signing in opens once and leads back to where it was asked', () => {
    standOn({ path: '/pages/booking/slots/index?stamp=1', options: { schedule_id: 'S', stamp: '1', $taroTimestamp: '9' } })
    goSignIn()
    standOn({ path: 'pages/booking/slots/index' }, { path: '/pages/login/index' })
    goSignIn()
    expect(visited).toEqual(['to /pages/login/index'])
    standOn({ path: '/pages/login/index' })
    goAfterSignIn()
    expect(visited[1]).toBe('replace /pages/booking/slots/index?schedule_id=S')
    expect(fakeTaro.getStorageSync('hc.return_to')).toBe('')
  })
  test('signing in from a tab goes back to the tab', () => {
    standOn({ path: tabs.mine })
    goSignIn()
    goAfterSignIn()
    expect(visited[1]).toBe(`tab ${tabs.mine}`)
  })
})
