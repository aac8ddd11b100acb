// The offline secrets this phone holds, one for each patient, renewed while there is a network.
import Taro from '@tarojs/taro'
import { fetchOfflineDevice } from '../services/healthcodes'
import { now } from './clock'
import { isDeviceValid, type OfflineDevice } from './offlineCode'

const RENEW_BEFORE_MS = 12 * 3600_000

const keyOf = (patientId: string): string => `hc.offline.${patientId}`

/** The device kept for a patient, if it may still make codes. */
export function findOfflineDevice(patientId: string): OfflineDevice | null {
  const saved = Taro.getStorageSync<OfflineDevice | string>(keyOf(patientId))
  return saved && typeof saved === 'object' && isDeviceValid(saved, now()) ? saved : null
}

/** Fetches a new one when there is none or it ends soon; a failure is no one's concern yet. */
export async function renewOfflineDevice(patientId: string): Promise<void> {
  const kept = findOfflineDevice(patientId)
  if (kept && isDeviceValid(kept, now() + RENEW_BEFORE_MS)) return
  try {
    Taro.setStorageSync(keyOf(patientId), await fetchOfflineDevice(patientId))
  } catch {
    // The online code still works; the next one tries again.
  }
}
