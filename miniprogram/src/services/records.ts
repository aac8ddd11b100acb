// Who may read my record, and who has read it.
import { request } from '../utils/request'
import type { Page } from './types'

const CONSENTS = '/api/v1/consents'
const ACCESSES = '/api/v1/records/accesses'

export type ConsentState = 'requested' | 'granted' | 'denied' | 'revoked' | 'expired'

export interface Recipient {
  organization_id: string
  organization_name: string
  departments: string[]
}

export interface Consent {
  id: string
  patient_id: string
  state: ConsentState
  purpose: string
  purpose_name: string
  /** Null: everything. */
  kinds: string[] | null
  since: string | null
  until: string | null
  /** Null: every hospital of the city. */
  recipients: Recipient[] | null
  expires_at: string
  sensitive: boolean
  asked: { organization_id: string; organization_name: string; reason: string; lapses_at: string | null } | null
  via: 'app' | 'sms_code' | null
  created_at: string
  answered_at: string | null
  ended_at: string | null
}

export interface NewConsent {
  patient_id: string
  kinds: string[] | null
  since: string | null
  expires_at: string
  sensitive: boolean
  organization_ids: string[] | null
}

export interface ReadingQuestion {
  access_id: string
  text: string
  asked_at: string
  due_at: string
  answer: string | null
  answered_at: string | null
}

/** One reading of a record: who, when, why, what. */
export interface Access {
  id: string
  at: string
  by: 'self' | 'guardian' | 'hospital' | 'other'
  organization_name: string
  practitioner: string
  purpose: string
  purpose_name: string
  basis: string
  why: string
  what: string
  kinds: string[]
  count: number
  question: ReadingQuestion | null
}

export async function listConsents(patientId: string): Promise<Consent[]> {
  return (await request<{ items: Consent[] }>({ path: CONSENTS, query: { patient_id: patientId } })).items
}

export function giveConsent(consent: NewConsent): Promise<Consent> {
  return request({ method: 'POST', path: CONSENTS, body: consent, once: true })
}

/** Yes to a request, as it was asked. */
export function grantConsent(id: string): Promise<Consent> {
  return request({ method: 'POST', path: `${CONSENTS}/${id}/grant`, body: {} })
}

export function denyConsent(id: string): Promise<Consent> {
  return request({ method: 'POST', path: `${CONSENTS}/${id}/deny` })
}

export function revokeConsent(id: string): Promise<Consent> {
  return request({ method: 'POST', path: `${CONSENTS}/${id}/revoke` })
}

export function listAccesses(patientId: string, own: boolean, cursor?: string): Promise<Page<Access>> {
  return request({ path: ACCESSES, query: { patient_id: patientId, own: own ? 'true' : undefined, limit: 20, cursor } })
}

export function askAboutAccess(patientId: string, accessId: string, text: string): Promise<ReadingQuestion> {
  return request({ method: 'POST', path: `${ACCESSES}/${accessId}/questions`, body: { patient_id: patientId, text } })
}
