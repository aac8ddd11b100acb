// Idempotency keys: one key for one intent, kept until the intent is settled, so that a
// tap repeated after a lost answer (or after the app was killed) reaches the same booking.
import Taro from '@tarojs/taro'
import sm3 from 'sm-crypto/src/sm3'
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

/** An intent may hold an ID number: the phone keeps only its digest. */
function nameOf(intent: string): string {
  const codes = Array.from({ length: intent.length }, (_, i) => intent.charCodeAt(i))
  return sm3(codes.flatMap((code) => [code >> 8, code & 255]))
}

/** The key for an intent (a call with all it says); the same until settled. */
export function intentKey(intent: string): string {
  const all = load()
  const name = nameOf(intent)
  const kept = all[name] ?? { key: newId(), at: Date.now() }
  Taro.setStorageSync(STORAGE, { ...all, [name]: kept })
  return kept.key
}

/** The intent got its answer (done or refused): the next one is a new intent. */
export function settleIntent(intent: string): void {
  const { [nameOf(intent)]: _settled, ...rest } = load()
  Taro.setStorageSync(STORAGE, rest)
}
