// Seconds left until an instant, by the corrected clock.
import { useEffect, useState } from 'react'
import { now } from '../utils/clock'

function secondsUntil(at: number | null): number {
  return at === null ? 0 : Math.max(0, Math.ceil((at - now()) / 1000))
}

/** Whole seconds until `at` (milliseconds or RFC 3339), ticking; 0 when there is nothing to wait for. */
export function useCountdown(at: number | string | null | undefined): number {
  const target = at === null || at === undefined ? null : typeof at === 'number' ? at : Date.parse(at)
  const [left, setLeft] = useState(() => secondsUntil(target))
  useEffect(() => {
    setLeft(secondsUntil(target))
    if (target === null) return undefined
    const timer = setInterval(() => {
      const seconds = secondsUntil(target)
      setLeft(seconds)
      if (seconds === 0) clearInterval(timer)
    }, 500)
    return () => {
      clearInterval(timer)
    }
  }, [target])
  return left
}
