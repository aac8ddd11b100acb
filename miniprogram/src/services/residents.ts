// The resident himself: profile, real name, settings, leaving.
import { request } from '../utils/request'
import type { Me, Settings } from './types'

export function fetchMe(): Promise<Me> {
  return request({ path: '/api/v1/me' })
}

export function confirmRealName(name: string, idNumber: string): Promise<Me> {
  return request({ method: 'POST', path: '/api/v1/me/real-name', body: { name, id_number: idNumber } })
}

export function saveSettings(settings: Settings): Promise<Me> {
  return request({ method: 'PATCH', path: '/api/v1/me/settings', body: settings })
}

export function deleteAccount(): Promise<void> {
  return request({ method: 'DELETE', path: '/api/v1/me' })
}
