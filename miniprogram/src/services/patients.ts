// Whom the resident acts for, and who acts for the resident.
import { request } from '../utils/request'
import type { Guardian, Patient, Relation } from './types'

export interface NewPatient {
  relation: Exclude<Relation, 'self'>
  name: string
  id_number: string
  phone?: string
}

export async function listPatients(): Promise<Patient[]> {
  return (await request<{ items: Patient[] }>({ path: '/api/v1/patients' })).items
}

export function addPatient(patient: NewPatient): Promise<Patient> {
  return request({ method: 'POST', path: '/api/v1/patients', body: patient, once: true })
}

/** Has a code sent to an adult's own phone, to be asked for there. */
export function askConsent(patientId: string, phone: string): Promise<{ resend_after_s: number }> {
  return request({ method: 'POST', path: `/api/v1/patients/${patientId}/consent-codes`, body: { phone } })
}

/** The adult has given the code away: from now on the resident acts for him. */
export function giveConsent(patientId: string, phone: string, code: string): Promise<Patient> {
  return request({ method: 'POST', path: `/api/v1/patients/${patientId}/consent`, body: { phone, code } })
}

export function removePatient(patientId: string): Promise<void> {
  return request({ method: 'DELETE', path: `/api/v1/patients/${patientId}` })
}

export async function listGuardians(): Promise<Guardian[]> {
  return (await request<{ items: Guardian[] }>({ path: '/api/v1/guardians' })).items
}

export function acceptGuardian(linkId: string): Promise<void> {
  return request({ method: 'POST', path: `/api/v1/guardians/${linkId}/accept` })
}

export function removeGuardian(linkId: string): Promise<void> {
  return request({ method: 'DELETE', path: `/api/v1/guardians/${linkId}` })
}
