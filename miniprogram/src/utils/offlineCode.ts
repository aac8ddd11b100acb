// The health code a phone makes by itself when the network is gone (format E2):
// `E2:` + Base45(pseudo-id 8 bytes | step uint32 | first 12 bytes of HMAC-SM3(secret, pseudo-id | step)).
import sm3 from 'sm-crypto/src/sm3'
import { base45 } from './base45'
import { fromBase64, fromHex } from './bytes'

/** What the server gives this phone for one patient and a stated time. */
export interface OfflineDevice {
  pseudo_id: string
  secret: string
  step_s: number
  valid_until: string
}

const PSEUDO_ID_BYTES = 8
const MAC_BYTES = 12

/** Hexadecimal or Base64, whichever the text is. */
function decode(text: string): number[] {
  return /^([0-9a-f]{2})+$/i.test(text) ? fromHex(text) : fromBase64(text)
}

/** The number of the time step at an instant. */
export function stepAt(device: OfflineDevice, ms: number): number {
  return Math.floor(ms / 1000 / device.step_s)
}

/** Seconds until the next step, when the code changes. */
export function secondsLeftInStep(device: OfflineDevice, ms: number): number {
  return device.step_s - ((ms / 1000) % device.step_s)
}

/** Whether the device may still make codes at an instant. */
export function isDeviceValid(device: OfflineDevice, ms: number): boolean {
  return Date.parse(device.valid_until) > ms
}

/** The code's text at an instant. */
export function offlineCode(device: OfflineDevice, ms: number): string {
  const pseudoId = decode(device.pseudo_id).slice(0, PSEUDO_ID_BYTES)
  const step = stepAt(device, ms)
  const counter = [24, 16, 8, 0].map((shift) => Math.floor(step / 2 ** shift) % 256)
  const message = [...pseudoId, ...counter]
  const mac = fromHex(sm3(message, { mode: 'hmac', key: decode(device.secret) })).slice(0, MAC_BYTES)
  return `E2:${base45([...message, ...mac])}`
}
