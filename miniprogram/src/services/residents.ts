// The resident himself: profile, real name, settings, leaving.
import { request } from '../utils/request'
import type { Me, RealNameDone, Settings, TokenPair } from './types'

export function fetchMe(): Promise<Me> {
  return request({ path: '/api/v1/me' })
}

export function confirmRealName(name: string, idNumber: string): Promise<RealNameDone> {
  return request({ method: 'POST', path: '/api/v1/me/real-name', body: { name, id_number: idNumber } })
}

export function saveSettings(settings: Settings): Promise<Me> {
  return request({ method: 'PUT', path: '/api/v1/me/settings', body: settings })
}

export interface NewPhone {
  phone: string
  code: string
  /** A verified person proves himself once more. */
  id_number?: string
}

/** Moves the account to another number; every other device is signed out. */
export function changePhone(phone: NewPhone): Promise<TokenPair> {
  return request({ method: 'PUT', path: '/api/v1/me/phone', body: phone })
}

export function deleteAccount(): Promise<void> {
  return request({ method: 'DELETE', path: '/api/v1/me' })
}
