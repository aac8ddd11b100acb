// Idempotency keys: one key for one intent, kept until the intent is settled, so that a
// tap repeated after a lost answer (or after the app was killed) reaches the same booking.
import Taro from '@tarojs/taro'
import { newId } from './ids'

interface Kept {
  key: string
  at: number
}

const STORAGE = 'hc.intents'
const KEEP_MS = 15 * 60_000

function load(): Record<string, Kept> {
  const saved = Taro.getStorageSync<Record<string, Kept> | string>(STORAGE)
  if (!saved || typeof saved === 'string') return {}
  return Object.fromEntries(Object.entries(saved).filter(([, kept]) => Date.now() - kept.at < KEEP_MS))
}

/** The key for an intent such as `hold:<schedule>:<number>:<patient>`; the same until settled. */
export function intentKey(intent: string): string {
  const all = load()
  const kept = all[intent] ?? { key: newId(), at: Date.now() }
  Taro.setStorageSync(STORAGE, { ...all, [intent]: kept })
  return kept.key
}

/** The intent got its answer (done or refused): the next one is a new intent. */
export function settleIntent(intent: string): void {
  const { [intent]: _settled, ...rest } = load()
  Taro.setStorageSync(STORAGE, rest)
}
