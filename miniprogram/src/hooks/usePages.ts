// A list that comes in pages.
import { useDidShow } from '@tarojs/taro'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Page } from '../services/types'
import { type ApiError, toApiError } from '../utils/apiError'
import { toast } from '../utils/platform'

export interface Pages<T> {
  items: T[] | undefined
  error: ApiError | undefined
  loading: boolean
  hasMore: boolean
  loadingMore: boolean
  more: () => void
  reload: () => void
  /** Changes items that are already here. */
  change: (how: (item: T) => T) => void
}

interface State<T> {
  items?: T[]
  cursor?: string | null
  error?: ApiError
}

/** Fetches the first page whenever `key` changes (a null key waits), further ones by `more`. */
export function usePages<T>(key: string | null, fetcher: (cursor?: string) => Promise<Page<T>>): Pages<T> {
  const [state, setState] = useState<State<T>>({})
  const [loadingMore, setLoadingMore] = useState(false)
  const [turn, setTurn] = useState(0)
  const latest = useRef(fetcher)
  latest.current = fetcher
  const run = useRef(0)
  const shown = useRef(false)
  const lastKey = useRef<string | null>(null)

  const load = useCallback(async (cursor?: string) => {
    const mine = run.current
    try {
      const page = await latest.current(cursor)
      if (mine !== run.current) return
      setState((old) => ({ items: [...(cursor ? (old.items ?? []) : []), ...page.items], cursor: page.next_cursor }))
    } catch (thrown) {
      if (mine !== run.current) return
      const error = toApiError(thrown)
      setState((old) => ({ ...old, error }))
      if (cursor) toast(error.message)
    }
  }, [])

  useEffect(() => {
    if (key === null) return
    run.current += 1
    const sameList = lastKey.current === key
    lastKey.current = key
    setState((old) => (sameList ? { ...old, error: undefined } : {}))
    void load()
  }, [key, turn, load])

  const reload = useCallback(() => {
    setTurn((n) => n + 1)
  }, [])
  useDidShow(() => {
    if (shown.current) reload()
    shown.current = true
  })
  const more = useCallback(() => {
    if (!state.cursor || loadingMore) return
    setLoadingMore(true)
    void load(state.cursor).finally(() => {
      setLoadingMore(false)
    })
  }, [state.cursor, loadingMore, load])
  const change = useCallback((how: (item: T) => T) => {
    setState((old) => ({ ...old, items: old.items?.map(how) }))
  }, [])
  const loading = key !== null && !state.items && !state.error
  return {
    items: state.items, error: state.items ? undefined : state.error,
    loading, hasMore: Boolean(state.cursor), loadingMore, more, reload, change,
  }
}
