// A form's values that outlive the page: kept on the phone at every change, until they are handed in.
import { useCallback, useState } from 'react'
import { dropDraft, findDraft, keepDraft } from '../utils/draft'

export interface Draft<T> {
  value: T
  change: (some: Partial<T>) => void
  drop: () => void
}

export function useDraft<T extends object>(name: string, first: T): Draft<T> {
  const [value, setValue] = useState<T>(() => ({ ...first, ...(findDraft(name) as Partial<T> | null) }))
  const change = useCallback((some: Partial<T>) => {
    setValue((old) => {
      const next = { ...old, ...some }
      keepDraft(name, next)
      return next
    })
  }, [name])
  const drop = useCallback(() => {
    dropDraft(name)
  }, [name])
  return { value, change, drop }
}
