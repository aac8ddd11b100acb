import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type Answer, answerWith, fakeTaro, sent } from '../../testing/fakeTaro'
import { sampleMe, sampleTokens } from '../../testing/samples'
import type { ApiError } from '../apiError'
import { queryString, request, whenSignedOut } from '../request'
import { clearSession, saveMe, saveTokens, sessionStore } from '../session'

const refused = (status: number, code: string, data = {}): Answer => ({
  status, data: { error: { code, message: '服务器的话', data, request_id: 'REQUEST' } },
})
const failure = (call: Promise<unknown>): Promise<ApiError> => call.then(() => Promise.reject(new Error('went well')), (error: unknown) => error as ApiError)
const tokenOf = (index: number): string | undefined => sent[index]?.header.Authorization
const keyOf = (index: number): string | undefined => sent[index]?.header['Idempotency-Key']

beforeEach(() => {
  clearSession()
  whenSignedOut(() => {
    // Nobody listens until a test does.
  })
})

describe('a call', () => {
  test('carries the token, a request id of its own, and JSON', async () => {
    saveTokens(sampleTokens('1'))
    answerWith(() => ({ status: 200, data: { ok: true } }))
    expect(await request<unknown>({ method: 'POST', path: '/api/v1/x', body: { a: 1 } })).toEqual({ ok: true })
    await request({ path: '/api/v1/x', query: { q: '儿 科', cursor: undefined, limit: 3 } })
    expect(sent[0]).toMatchObject({ method: 'POST', url: '/api/v1/x', body: { a: 1 }, header: { Authorization: 'Bearer access-1' } })
    expect(sent[1]?.url).toBe('/api/v1/x?q=%E5%84%BF%20%E7%A7%91&limit=3')
    expect(sent[0]?.header['X-Request-Id']).not.toBe(sent[1]?.header['X-Request-Id'])
  })
  test('that is anonymous shows no token', async () => {
    saveTokens(sampleTokens('1'))
    await request({ path: '/api/v1/config', anonymous: true })
    expect(tokenOf(0)).toBeUndefined()
  })
  test('an empty query adds nothing', () => {
    expect(queryString({})).toBe('')
    expect(queryString({ q: '' })).toBe('')
  })
})

describe('a refusal', () => {
  test('speaks in our words, with the server\'s code and number', async () => {
    answerWith(() => refused(409, 'SLOT_TAKEN'))
    const error = await failure(request({ method: 'POST', path: '/api/v1/holds' }))
    expect(error).toMatchObject({ code: 'SLOT_TAKEN', status: 409, requestId: 'REQUEST', message: '这个号刚被约走了，请选择其他时间。' })
  })
  test('with an unknown code speaks in the server\'s words', async () => {
    answerWith(() => refused(409, 'SOMETHING_NEW'))
    expect((await failure(request({ path: '/x' }))).message).toBe('服务器的话')
  })
  test('for haste says how long to wait', async () => {
    answerWith(() => refused(429, 'RATE_LIMITED', { retry_after_s: 12.4 }))
    expect((await failure(request({ path: '/x' }))).message).toBe('操作太频繁，请13秒后再试。')
  })
  test('by something that is not our server is told as such', async () => {
    answerWith(() => ({ status: 502, data: '<html>' }))
    expect(await failure(request({ path: '/x' }))).toMatchObject({ code: 'SERVER_AWAY', isUndecided: true })
  })
  test('of a dead network and of a slow one differ', async () => {
    answerWith(() => new Error('Failed to fetch'))
    expect(await failure(request({ method: 'POST', path: '/x' }))).toMatchObject({ code: 'NETWORK', isOffline: true })
    answerWith(() => new Error('request:fail timeout'))
    expect(await failure(request({ method: 'POST', path: '/x' }))).toMatchObject({ code: 'TIMEOUT', isOffline: true })
  })
})

describe('trying again', () => {
  test('a read is tried twice, a write only when the person says so', async () => {
    vi.useFakeTimers()
    answerWith(() => new Error('Failed to fetch'))
    const reading = failure(request({ path: '/x' }))
    await vi.runAllTimersAsync()
    await reading
    expect(sent).toHaveLength(2)
    await failure(request({ method: 'POST', path: '/x', body: {} }))
    expect(sent).toHaveLength(3)
    vi.useRealTimers()
  })
  test('one intent keeps its key until it is answered', async () => {
    const hold = { method: 'POST', path: '/api/v1/holds', body: { schedule_id: 'S', number: 1 }, once: true } as const
    answerWith(() => new Error('Failed to fetch'))
    await failure(request(hold))
    answerWith(() => refused(503, 'UNAVAILABLE'))
    await failure(request(hold))
    answerWith(() => ({ status: 201, data: {} }))
    await request(hold)
    await request(hold)
    expect(keyOf(0)).toMatch(/^[0-9a-f]{32}$/)
    expect([keyOf(1), keyOf(2)]).toEqual([keyOf(0), keyOf(0)])
    expect(keyOf(3)).not.toBe(keyOf(0))
  })
  test('a refused intent is over, and another body is another intent', async () => {
    answerWith(() => refused(409, 'SLOT_TAKEN'))
    const wanted = (number: number): Promise<ApiError> => failure(request({ method: 'POST', path: '/holds', body: { number }, once: true }))
    await wanted(1)
    await wanted(1)
    answerWith(() => new Error('Failed to fetch'))
    await wanted(1)
    await wanted(2)
    expect(new Set([0, 1, 2, 3].map(keyOf)).size).toBe(4)
  })
  test('what is kept of an intent does not tell an ID number', async () => {
    answerWith(() => new Error('Failed to fetch'))
    await failure(request({ method: 'POST', path: '/patients', body: { id_number: '11010519491231002X' }, once: true }))
    expect(JSON.stringify(fakeTaro.getStorageSync('hc.intents'))).not.toContain('1949')
  })
})

describe('an expired token', () => {
  const city = (call: { url: string; header: Record<string, string> }): Answer => {
    if (call.url.endsWith('/auth/refresh')) return { status: 200, data: sampleTokens('2') }
    return call.header.Authorization === 'Bearer access-2' ? { status: 200, data: 'yes' } : refused(401, 'TOKEN_EXPIRED')
  }
  test('is renewed once for all calls that meet it', async () => {
    saveTokens(sampleTokens('1'))
    answerWith(city)
    expect(await Promise.all([1, 2, 3].map(() => request({ path: '/x' })))).toEqual(['yes', 'yes', 'yes'])
    expect(sent.filter((call) => call.url.endsWith('/auth/refresh'))).toHaveLength(1)
    expect(sessionStore.get()?.refreshToken).toBe('refresh-2')
  })
  test('already renewed by another tab is taken from storage', async () => {
    saveTokens(sampleTokens('1'))
    const { me } = sessionStore.get() ?? { me: sampleMe() }
    fakeTaro.setStorageSync('hc.session', { accessToken: 'access-2', refreshToken: 'refresh-2', me })
    answerWith(city)
    expect(await request<unknown>({ path: '/x' })).toBe('yes')
    expect(sent.filter((call) => call.url.endsWith('/auth/refresh'))).toHaveLength(0)
  })
  test.each([[401, 'REFRESH_REUSED'], [400, 'BAD_REQUEST']])('that cannot be renewed (%i %s) signs out', async (status, code) => {
    const ended = vi.fn()
    whenSignedOut(() => {
      ended()
    })
    saveTokens(sampleTokens('1'))
    answerWith((call) => (call.url.endsWith('/auth/refresh') ? refused(status, code) : refused(401, 'TOKEN_EXPIRED')))
    expect(await failure(request({ path: '/x' }))).toMatchObject({ status: 401 })
    expect(sessionStore.get()).toBeNull()
    expect(ended).toHaveBeenCalledOnce()
  })
  test('does not sign out when only the network is gone', async () => {
    saveTokens(sampleTokens('1'))
    answerWith((call) => (call.url.endsWith('/auth/refresh') ? new Error('Failed to fetch') : refused(401, 'TOKEN_EXPIRED')))
    expect(await failure(request({ method: 'POST', path: '/x' }))).toMatchObject({ code: 'NETWORK' })
    expect(sessionStore.get()?.accessToken).toBe('access-1')
  })
})

describe('the session', () => {
  test('takes the new token of a real-name check', () => {
    saveTokens(sampleTokens('1'))
    saveMe(sampleMe({ name: '李*' }), 'access-verified')
    expect(sessionStore.get()).toMatchObject({ accessToken: 'access-verified', refreshToken: 'refresh-1', me: { name: '李*' } })
  })
  test('leaves nothing of the person on the phone', () => {
    saveTokens(sampleTokens('1'))
    fakeTaro.setStorageSync('hc.offline.01RESIDENT', { secret: 's' })
    fakeTaro.setStorageSync('hc.intents', {})
    fakeTaro.setStorageSync('hc.large_type', true)
    clearSession()
    expect(fakeTaro.getStorageInfoSync().keys).toEqual(['hc.large_type'])
  })
})
