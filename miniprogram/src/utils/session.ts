// Who is signed in on this phone: the tokens and the resident, kept over restarts.
import Taro from '@tarojs/taro'
import type { Me, TokenPair } from '../services/types'
import { createStore } from './store'

export interface Session {
  accessToken: string
  refreshToken: string
  me: Me
}

const KEY = 'hc.session'

function read(): Session | null {
  const saved = Taro.getStorageSync<Session | string>(KEY)
  return saved && typeof saved === 'object' && saved.accessToken ? saved : null
}

export const sessionStore = createStore<Session | null>(read())

function save(session: Session | null): void {
  if (session) Taro.setStorageSync(KEY, session)
  else Taro.removeStorageSync(KEY)
  sessionStore.set(session)
}

/** The session in storage: another tab of the browser may have renewed it. */
export function rereadSession(): Session | null {
  const stored = read()
  if (stored?.accessToken !== sessionStore.get()?.accessToken) sessionStore.set(stored)
  return stored
}

/** Signs in with a fresh pair of tokens. */
export function saveTokens(pair: TokenPair): void {
  save({ accessToken: pair.access_token, refreshToken: pair.refresh_token, me: pair.resident })
}

/** Replaces what is known of the resident, and the access token where the answer brought a new one. */
export function saveMe(me: Me, accessToken?: string): void {
  const session = sessionStore.get()
  if (session) save({ ...session, me, accessToken: accessToken ?? session.accessToken })
}

/** Forgets the person: tokens, offline codes, half-done intents. Device settings stay. */
export function clearSession(): void {
  save(null)
  for (const key of Taro.getStorageInfoSync().keys) {
    if (key.startsWith('hc.offline.') || key === 'hc.intents') Taro.removeStorageSync(key)
  }
}
