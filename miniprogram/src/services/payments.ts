// Paying for an appointment.
import { request } from '../utils/request'
import type { Appointment, PaymentMethod, PaymentOrder } from './types'

/** The order to pay, in the form the chosen method needs. */
export function createPayment(appointmentId: string, method: PaymentMethod): Promise<PaymentOrder> {
  return request({ method: 'POST', path: `/api/v1/appointments/${appointmentId}/payment`, body: { method }, once: true })
}

/** Asks the payment channel now instead of waiting for its notice. */
export function refreshPayment(appointmentId: string): Promise<Appointment> {
  return request({ method: 'POST', path: `/api/v1/appointments/${appointmentId}/payment/refresh` })
}
