// What an appointment's state means to the person who looks at it.
import type { Tone } from '../components/tag'
import type { Appointment, PaymentState, QueuePosition } from '../services/types'
import { appointments, appointmentStateNames, paymentStateNames } from '../texts'
import { now } from './clock'
import { cityDate } from './time'

/** A held number that waits for money. */
export function isPaymentDue(appointment: Appointment): boolean {
  return appointment.state === 'held' && ['due', 'paying'].includes(appointment.payment.state) && !isHoldOver(appointment)
}

/** A held number that only waits for a tap. */
export function isConfirmDue(appointment: Appointment): boolean {
  return appointment.state === 'held' && appointment.payment.state === 'none' && !isHoldOver(appointment)
}

/** The keeping time has passed, whether or not the server has swept it yet. */
export function isHoldOver(appointment: Appointment): boolean {
  return appointment.state === 'held' && appointment.payment.state !== 'paying' && isLate(appointment)
}

function isLate({ hold_until: until }: Appointment): boolean {
  return until !== null && Date.parse(until) <= now()
}

/**
 * Where the money is. Paid for something that is no more, it is already on its way back. A payment that was begun is
 * still the person's to make; only when the time is over is there nothing left but to ask whether it was made.
 */
export function moneyState(appointment: Appointment): PaymentState {
  const { state, payment } = appointment
  const over = state !== 'held' && state !== 'booked'
  if (over && payment.state === 'paid') return 'refunding'
  return payment.state === 'paying' && state === 'held' && !isLate(appointment) ? 'due' : payment.state
}

/** The one word for the state, and its colour. */
export function stateTag(appointment: Appointment): { text: string; tone: Tone } {
  const { state } = appointment
  if (isHoldOver(appointment)) return { text: appointmentStateNames.expired, tone: 'calm' }
  const money = moneyState(appointment)
  if (state === 'held' && isPaymentDue(appointment)) return { text: paymentStateNames[money], tone: 'wait' }
  if (state === 'held') return { text: appointmentStateNames.held, tone: 'wait' }
  if (['refunding', 'refunded', 'refund_failed'].includes(money)) {
    return { text: `${appointmentStateNames[state]} · ${paymentStateNames[money]}`, tone: 'calm' }
  }
  if (state === 'booked') return { text: appointmentStateNames.booked, tone: 'good' }
  return { text: appointmentStateNames[state], tone: state === 'stopped' ? 'bad' : 'calm' }
}

/** Whether there may be a queue to stand in: booked, for today. */
export function isForToday(appointment: Appointment): boolean {
  return appointment.state === 'booked' && !appointment.missed_at && appointment.on === cityDate()
}

/** Which number is being called, and how many are before one; null while the hospital calls nobody. */
export function queueText(position: QueuePosition | undefined): string | null {
  if (!position || position.called === null) return null
  return position.is_over
    ? appointments.queueOver(position.called)
    : appointments.queueAhead(position.called, position.ahead ?? 0)
}
