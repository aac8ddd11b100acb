// Loading something for a page: the value, the failure, and trying again.
import { useDidShow } from '@tarojs/taro'
import { useCallback, useEffect, useRef, useState } from 'react'
import { type ApiError, toApiError } from '../utils/apiError'

export interface Load<T> {
  data: T | undefined
  error: ApiError | undefined
  loading: boolean
  reload: () => void
  /** Puts in a value that is already known, such as the answer to a write. */
  put: (value: T) => void
}

/**
 * Calls `fetcher` at first and whenever `key` changes; a null key waits.
 * With `fresh`, also quietly whenever the page is shown again.
 */
export function useLoad<T>(key: string | null, fetcher: () => Promise<T>, fresh = false): Load<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: ApiError }>({ key: null })
  const [turn, setTurn] = useState(0)
  const latest = useRef(fetcher)
  latest.current = fetcher
  const shown = useRef(false)

  useEffect(() => {
    if (key === null) return undefined
    let wanted = true
    setState((old) => (old.key === key ? { ...old, error: undefined } : { key }))
    latest.current().then(
      (data) => {
        if (wanted) setState({ key, data })
      },
      (thrown: unknown) => {
        if (wanted) setState((old) => ({ key, data: old.data, error: toApiError(thrown) }))
      },
    )
    return () => {
      wanted = false
    }
  }, [key, turn])

  const reload = useCallback(() => {
    setTurn((n) => n + 1)
  }, [])
  useDidShow(() => {
    if (fresh && shown.current) reload()
    shown.current = true
  })
  const put = useCallback((data: T) => {
    setState((old) => ({ key: old.key, data }))
  }, [])
  const { data, error } = state.key === key ? state : {}
  const loading = key !== null && data === undefined && error === undefined
  return { data, error, loading, reload, put }
}
