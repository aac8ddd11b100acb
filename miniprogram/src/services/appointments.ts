// Holding a number, booking it, looking at appointments, cancelling.
import { request } from '../utils/request'
import type { Appointment, Page, QueuePosition } from './types'

const V1 = '/api/v1'

export interface WantedSlot {
  schedule_id: string
  number: number
  patient_id: string
}

/** Keeps a number for a short, stated time. */
export function holdSlot(wanted: WantedSlot): Promise<Appointment> {
  return request({ method: 'POST', path: `${V1}/holds`, body: wanted, once: true })
}

export function releaseHold(holdId: string): Promise<void> {
  return request({ method: 'DELETE', path: `${V1}/holds/${holdId}` })
}

/** Books a held number: at once when it is free of charge, else once it is paid. */
export function bookAppointment(holdId: string): Promise<Appointment> {
  return request({ method: 'POST', path: `${V1}/appointments`, body: { hold_id: holdId }, once: true })
}

export type AppointmentTab = 'upcoming' | 'past'

export function listAppointments(state: AppointmentTab, cursor?: string, limit = 20): Promise<Page<Appointment>> {
  return request({ path: `${V1}/appointments`, query: { state, limit, cursor } })
}

export function fetchAppointment(id: string): Promise<Appointment> {
  return request({ path: `${V1}/appointments/${id}` })
}

export function fetchQueue(id: string): Promise<QueuePosition> {
  return request({ path: `${V1}/appointments/${id}/queue` })
}

export function cancelAppointment(id: string, reason: string): Promise<Appointment> {
  return request({ method: 'POST', path: `${V1}/appointments/${id}/cancel`, body: { reason }, once: true })
}
