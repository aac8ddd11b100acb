// The code on the screen: changed in time, and made by the phone itself when the network is gone.
import { useDidHide, useDidShow } from '@tarojs/taro'
import { useCallback, useEffect, useRef, useState } from 'react'
import { fetchDynamicCode } from '../services/healthcodes'
import { type ApiError, clientError, toApiError } from '../utils/apiError'
import { now } from '../utils/clock'
import { offlineCode, secondsLeftInStep } from '../utils/offlineCode'
import { findOfflineDevice, renewOfflineDevice } from '../utils/offlineDevices'

export interface ShownCode {
  patientId: string
  text: string
  offline: boolean
  /** When it is replaced, by the app's clock. */
  changesAt: number
}

export interface HealthCode {
  code: ShownCode | undefined
  error: ApiError | undefined
  busy: boolean
  refresh: () => void
}

/** How long a failed page waits before it tries by itself. */
const RETRY_MS = 10_000

/** A code for the patient from the server, or else from this phone. */
async function obtainCode(patientId: string): Promise<ShownCode> {
  try {
    const fresh = await fetchDynamicCode(patientId)
    void renewOfflineDevice(patientId)
    // Counted from the arrival, so that a wrong clock on the phone does not matter.
    return { patientId, text: fresh.text, offline: false, changesAt: now() + fresh.refresh_after_s * 1000 }
  } catch (thrown) {
    const error = toApiError(thrown)
    const device = error.isOffline || error.status >= 500 ? findOfflineDevice(patientId) : null
    if (!device) throw error
    const at = now()
    return { patientId, text: offlineCode(device, at), offline: true, changesAt: at + secondsLeftInStep(device, at) * 1000 }
  }
}

export function useHealthCode(patientId: string | undefined): HealthCode {
  const [code, setCode] = useState<ShownCode>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>()
  const run = useRef(0)

  const stop = useCallback(() => {
    run.current += 1
    clearTimeout(timer.current)
  }, [])
  const start = useCallback(() => {
    stop()
    if (!patientId) return
    const mine = run.current
    const again = (delayMs: number): void => {
      timer.current = setTimeout(start, Math.max(delayMs, 250))
    }
    setBusy(true)
    obtainCode(patientId)
      .then((next) => {
        if (mine !== run.current) return
        setCode(next)
        setError(undefined)
        again(next.changesAt - now())
      })
      .catch((thrown: unknown) => {
        if (mine !== run.current) return
        setError(thrown instanceof Error ? toApiError(thrown) : clientError('UNEXPECTED'))
        setCode(undefined)
        again(RETRY_MS)
      })
      .finally(() => {
        if (mine === run.current) setBusy(false)
      })
  }, [patientId, stop])

  useEffect(() => {
    start()
    return stop
  }, [start, stop])
  const hidden = useRef(false)
  useDidHide(() => {
    hidden.current = true
    stop()
  })
  useDidShow(() => {
    if (hidden.current) start()
    hidden.current = false
  })
  return { code: code?.patientId === patientId ? code : undefined, error, busy, refresh: start }
}
