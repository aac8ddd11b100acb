// The health code in its three forms, and the log of its uses.
import type { OfflineDevice } from '../utils/offlineCode'
import { request } from '../utils/request'
import type { CodeUse, DynamicCode, Page, StaticCode } from './types'

const CODES = '/api/v1/health-codes'

export function fetchDynamicCode(patientId: string): Promise<DynamicCode> {
  return request({ method: 'POST', path: `${CODES}/dynamic`, body: { patient_id: patientId } })
}

/** The secret with which this phone makes codes by itself when the network is gone. */
export function fetchOfflineDevice(patientId: string): Promise<OfflineDevice> {
  return request({ method: 'POST', path: `${CODES}/offline-device`, body: { patient_id: patientId } })
}

export function createStaticCode(patientId: string): Promise<StaticCode> {
  return request({ method: 'POST', path: `${CODES}/static`, body: { patient_id: patientId }, once: true })
}

export async function listStaticCodes(): Promise<StaticCode[]> {
  return (await request<{ items: StaticCode[] }>({ path: `${CODES}/static` })).items
}

export function revokeStaticCode(codeId: string): Promise<void> {
  return request({ method: 'DELETE', path: `${CODES}/static/${codeId}` })
}

export function listCodeUses(cursor?: string): Promise<Page<CodeUse>> {
  return request({ path: `${CODES}/uses`, query: { limit: 20, cursor } })
}
