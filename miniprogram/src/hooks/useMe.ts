// The signed-in resident, or null.
import type { Me } from '../services/types'
import { sessionStore } from '../utils/session'
import { useStore } from '../utils/store'

export function useMe(): Me | null {
  return useStore(sessionStore)?.me ?? null
}
