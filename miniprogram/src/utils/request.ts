// Every call to the city's API: token, request id, idempotency key, one refresh for all, errors as ApiError.
import Taro from '@tarojs/taro'
import type { TokenPair } from '../services/types'
import { ApiError, clientError, errorFromAnswer } from './apiError'
import { learnServerTime } from './clock'
import { newId } from './ids'
import { intentKey, settleIntent } from './intent'
import { clearSession, rereadSession, saveTokens, sessionStore } from './session'

// WeChat's request knows no PATCH.
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type QueryValue = string | number | undefined

export interface Call {
  method?: Method
  path: string
  query?: Record<string, QueryValue>
  body?: object
  /** Something to be done once: repeated tries of the same call carry one idempotency key. */
  once?: boolean
  /** No token is sent, and a refusal does not sign anyone out. */
  anonymous?: boolean
  /** The answer is a file or a picture. */
  binary?: boolean
  /** A photo on its way out: a slow phone's network is given a minute. */
  large?: boolean
}

const TIMEOUT_MS = 15_000
const LARGE_TIMEOUT_MS = 60_000
const RETRY_AFTER_MS = 700

let onSignedOut: () => void = () => undefined

/** What to do when the session has ended (the app shows the sign-in page). */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action
}

/** The query string of the values that are set. */
export function queryString(query: Record<string, QueryValue> = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return parts.length > 0 ? `?${parts.join('&')}` : ''
}

const intentOf = ({ method, path, body }: Call): string => JSON.stringify([method, path, body])

function headersOf(call: Call, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { Accept: call.binary ? '*/*' : 'application/json', 'X-Request-Id': newId() }
  if (call.body) headers['Content-Type'] = 'application/json'
  if (token) headers.Authorization = `Bearer ${token}`
  if (call.once) headers['Idempotency-Key'] = intentKey(intentOf(call))
  return headers
}

/** Header names come in any case, depending on the platform. */
function headerOf(headers: Record<string, unknown> | undefined, name: string): string | undefined {
  const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)
  return typeof found?.[1] === 'string' ? found[1] : undefined
}

/** WeChat says "timeout"; on the web Taro gives up by aborting. */
function isTimeout(failure: unknown): boolean {
  const { errMsg, message } = failure as { errMsg?: string; message?: string }
  return /time|abort/i.test(errMsg ?? message ?? '')
}

async function send<T>(call: Call, token: string | undefined): Promise<T> {
  const sentAt = Date.now()
  const answer = await Taro.request<unknown>({
    url: `${API_URL}${call.path}${queryString(call.query)}`,
    method: call.method ?? 'GET',
    header: headersOf(call, token),
    data: call.body ? JSON.stringify(call.body) : undefined,
    ...(call.binary ? { responseType: 'arraybuffer' as const } : { dataType: 'json' }),
    timeout: call.large ? LARGE_TIMEOUT_MS : TIMEOUT_MS,
  }).catch((failure: unknown) => {
    throw clientError(isTimeout(failure) ? 'TIMEOUT' : 'NETWORK')
  })
  learnServerTime(headerOf(answer.header, 'date'), sentAt, Date.now())
  if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.data as T
  throw errorFromAnswer(answer.statusCode, answer.data)
}

let refreshing: Promise<string> | null = null

/** The server has looked at the refresh token and will not have it. */
function endsSession(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status >= 400 && thrown.status < 500 && thrown.code !== 'RATE_LIMITED'
}

async function refresh(staleToken: string): Promise<string> {
  const session = rereadSession()
  if (!session) throw errorFromAnswer(401, { error: { code: 'UNAUTHENTICATED' } })
  if (session.accessToken !== staleToken) return session.accessToken
  const body = { refresh_token: session.refreshToken }
  const pair = await send<TokenPair>({ method: 'POST', path: '/api/v1/auth/refresh', body }, undefined).catch((thrown: unknown) => {
    throw endsSession(thrown) ? errorFromAnswer(401, { error: { code: 'TOKEN_EXPIRED' } }) : thrown
  })
  saveTokens(pair)
  return pair.access_token
}

/** Two tabs must not spend one refresh token: the server would take the second for a thief. */
async function refreshAlone(staleToken: string): Promise<string> {
  if (process.env.TARO_ENV === 'h5' && typeof navigator !== 'undefined' && 'locks' in navigator) {
    return navigator.locks.request<Promise<string>>('hc.refresh', () => refresh(staleToken))
  }
  return refresh(staleToken)
}

/** A new access token; calls that fail together share one refresh. */
function freshToken(staleToken: string): Promise<string> {
  refreshing ??= refreshAlone(staleToken).finally(() => {
    refreshing = null
  })
  return refreshing
}

async function sendWithSession<T>(call: Call): Promise<T> {
  const token = sessionStore.get()?.accessToken
  try {
    return await send<T>(call, token)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401 || !token) throw error
    return send<T>(call, await freshToken(token))
  }
}

async function sendReadTwice<T>(call: Call): Promise<T> {
  try {
    return await sendWithSession<T>(call)
  } catch (error) {
    const again = error instanceof ApiError && (error.code === 'NETWORK' || error.status === 503)
    if (!again || (call.method ?? 'GET') !== 'GET') throw error
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
    return sendWithSession<T>(call)
  }
}

function settle(call: Call, error?: ApiError): void {
  if (call.once && !error?.isUndecided) settleIntent(intentOf(call))
}

/** One call. Throws ApiError; a session that cannot be renewed ends here. */
export async function request<T = void>(call: Call): Promise<T> {
  try {
    const answer = call.anonymous ? await send<T>(call, undefined) : await sendReadTwice<T>(call)
    settle(call)
    return answer
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown
    settle(call, thrown)
    if (thrown.status === 401 && !call.anonymous) {
      clearSession()
      onSignedOut()
    }
    throw thrown
  }
}
