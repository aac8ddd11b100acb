// What an appointment's state means to the person who looks at it.
import type { Tone } from '../components/tag'
import type { Appointment, PaymentState } from '../services/types'
import { appointmentStateNames, paymentStateNames } from '../texts'
import { now } from './clock'

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
  const until = appointment.hold_until
  return appointment.state === 'held' && appointment.payment.state !== 'paying' && until !== null && Date.parse(until) <= now()
}

/** Where the money is: paid for something that is no more, it is already on its way back. */
export function moneyState({ state, payment }: Appointment): PaymentState {
  const over = state !== 'held' && state !== 'booked'
  return over && payment.state === 'paid' ? 'refunding' : payment.state
}

/** The one word for the state, and its colour. */
export function stateTag(appointment: Appointment): { text: string; tone: Tone } {
  const { state, payment } = appointment
  if (isHoldOver(appointment)) return { text: appointmentStateNames.expired, tone: 'calm' }
  if (state === 'held' && isPaymentDue(appointment)) return { text: paymentStateNames[payment.state], tone: 'wait' }
  if (state === 'held') return { text: appointmentStateNames.held, tone: 'wait' }
  const money = moneyState(appointment)
  if (['refunding', 'refunded', 'refund_failed'].includes(money)) {
    return { text: `${appointmentStateNames[state]} · ${paymentStateNames[money]}`, tone: 'calm' }
  }
  if (state === 'booked') return { text: appointmentStateNames.booked, tone: 'good' }
  return { text: appointmentStateNames[state], tone: state === 'stopped' ? 'bad' : 'calm' }
}
