// Paying one appointment: the order, WeChat's sheet, and waiting until the server has seen the money.
import { useCallback, useEffect, useRef, useState } from 'react'
import { createPayment, refreshPayment } from '../services/payments'
import type { Appointment, PaymentOrder } from '../services/types'
import { pay as t } from '../texts'
import { ApiError } from '../utils/apiError'
import { payByWechat } from '../utils/pay'
import { paymentMethod } from '../utils/platform'
import { sessionStore } from '../utils/session'
import { useSubmit } from './useSubmit'

const ASK_EVERY_MS = 2000
const ASK_TIMES = 10

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Whether there is nothing more to wait for. */
export function isSettled(appointment: Appointment): boolean {
  return appointment.state !== 'held'
}

/** Asks the channel; "not known yet" is an answer too. */
async function askOnce(appointmentId: string): Promise<Appointment | null> {
  try {
    return await refreshPayment(appointmentId)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'PAYMENT_UNKNOWN') return null
    throw error
  }
}

export interface Payment {
  order: PaymentOrder | undefined
  note: string
  starting: ReturnType<typeof useSubmit>
  checking: ReturnType<typeof useSubmit>
  start: () => void
  check: () => void
}

export function usePayment(appointmentId: string, onSettled: (appointment: Appointment) => void): Payment {
  const [order, setOrder] = useState<PaymentOrder>()
  const [note, setNote] = useState('')
  const starting = useSubmit()
  const checking = useSubmit()
  const here = useRef(true)
  const settled = useRef(onSettled)
  settled.current = onSettled
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])

  const ask = useCallback(async (times: number): Promise<void> => {
    for (let i = 0; i < times && here.current; i += 1) {
      const appointment = await askOnce(appointmentId)
      if (appointment && isSettled(appointment)) {
        settled.current(appointment)
        return
      }
      if (i + 1 < times) await pause(ASK_EVERY_MS)
    }
    setNote(t.notYet)
  }, [appointmentId])

  const runCheck = checking.run
  const check = useCallback(() => {
    setNote('')
    void runCheck(() => ask(2))
  }, [runCheck, ask])

  const runStart = starting.run
  const start = useCallback(() => {
    setNote('')
    void runStart(async () => {
      const method = paymentMethod(sessionStore.get()?.me.openids.oa ?? false)
      const made = await createPayment(appointmentId, method)
      setOrder(made)
      if (!made.params) return
      const outcome = await payByWechat(made.params)
      if (outcome === 'done') await ask(ASK_TIMES)
      else setNote(outcome === 'cancelled' ? t.cancelled : t.failed)
    })
  }, [runStart, appointmentId, ask])
  return { order, note, starting, checking, start, check }
}
