// A number kept for one patient while the person decides; given back when the page is left.
import { useCallback, useEffect, useRef, useState } from 'react'
import { holdSlot, releaseHold } from '../services/appointments'
import type { Appointment } from '../services/types'
import { type ApiError, toApiError } from '../utils/apiError'

export interface Hold {
  hold: Appointment | undefined
  error: ApiError | undefined
  busy: boolean
  retry: () => void
  /** The number is booked now: leaving the page no longer gives it back. */
  keep: () => void
}

interface HoldState {
  hold?: Appointment
  error?: ApiError
  busy: boolean
}

export function useHold(scheduleId: string, number: number, patientId: string | undefined): Hold {
  const [state, setState] = useState<HoldState>({ busy: false })
  const [turn, setTurn] = useState(0)
  const kept = useRef(false)
  // Holding and giving back happen one after the other: the number can be held only once.
  const queue = useRef<Promise<void>>(Promise.resolve())

  useEffect(() => {
    if (!patientId) return undefined
    const mine: { left: boolean; hold?: Appointment } = { left: false }
    const show = (next: HoldState): void => {
      if (!mine.left) setState(next)
    }
    show({ busy: true })
    queue.current = queue.current.then(async () => {
      if (mine.left) return
      try {
        mine.hold = await holdSlot({ schedule_id: scheduleId, number, patient_id: patientId })
        show({ hold: mine.hold, busy: false })
      } catch (thrown) {
        show({ error: toApiError(thrown), busy: false })
      }
    })
    return () => {
      mine.left = true
      queue.current = queue.current.then(async () => {
        // The server gives it back by itself when this does not arrive.
        if (mine.hold && !kept.current) await releaseHold(mine.hold.id).catch(() => undefined)
      })
    }
  }, [scheduleId, number, patientId, turn])

  const retry = useCallback(() => {
    setTurn((n) => n + 1)
  }, [])
  const keep = useCallback(() => {
    kept.current = true
  }, [])
  return { ...state, hold: state.hold, error: state.error, retry, keep }
}
