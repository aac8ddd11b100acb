// The one clock of the app: the phone's, corrected by what the server says.
// A cheap phone may be minutes off; a hold's countdown and an offline code must not be.
import Taro from '@tarojs/taro'

const KEY = 'hc.clock'
/** Below this a correction is only noise from the network. */
const NOISE_MS = 1500

let offsetMs: number | null = null

function offset(): number {
  offsetMs ??= Number(Taro.getStorageSync<string | number>(KEY)) || 0
  return offsetMs
}

/** Milliseconds since the epoch, as the server counts them. */
export function now(): number {
  return Date.now() + offset()
}

/** Learns from the `Date` header of an answer that took from `sentAt` to `receivedAt` (phone time). */
export function learnServerTime(date: string | undefined, sentAt: number, receivedAt: number): void {
  const server = date ? Date.parse(date) : Number.NaN
  if (Number.isNaN(server)) return
  // The header has whole seconds: its middle is half a second on.
  const measured = server + 500 - (sentAt + receivedAt) / 2
  if (Math.abs(measured - offset()) < NOISE_MS) return
  offsetMs = Math.round(measured)
  Taro.setStorageSync(KEY, offsetMs)
}
