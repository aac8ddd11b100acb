// Doing something once: busy while it runs, a failure kept to be shown beside the button.
import { useCallback, useRef, useState } from 'react'
import { type ApiError, toApiError } from '../utils/apiError'

export interface Submit {
  busy: boolean
  error: ApiError | undefined
  /** Runs the action unless one is running; true when it went well. */
  run: (action: () => Promise<void>) => Promise<boolean>
  clear: () => void
}

export function useSubmit(): Submit {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const running = useRef(false)

  const run = useCallback(async (action: () => Promise<void>) => {
    if (running.current) return false
    running.current = true
    setBusy(true)
    setError(undefined)
    try {
      await action()
      return true
    } catch (thrown) {
      setError(toApiError(thrown))
      return false
    } finally {
      running.current = false
      setBusy(false)
    }
  }, [])
  const clear = useCallback(() => {
    setError(undefined)
  }, [])
  return { busy, error, run, clear }
}
