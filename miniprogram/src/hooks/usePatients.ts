// The people this resident acts for; kept on the phone, so that the code page works without a network.
import Taro from '@tarojs/taro'
import { listPatients } from '../services/patients'
import type { Patient } from '../services/types'
import { ApiError } from '../utils/apiError'
import { sessionStore } from '../utils/session'
import { type Load, useLoad } from './useLoad'

const keyOf = (): string => `hc.offline.patients.${sessionStore.get()?.me.id ?? ''}`

async function listOrRemember(): Promise<Patient[]> {
  try {
    const patients = await listPatients()
    Taro.setStorageSync(keyOf(), patients)
    return patients
  } catch (error) {
    const kept = Taro.getStorageSync<Patient[] | string>(keyOf())
    if (error instanceof ApiError && error.isUndecided && Array.isArray(kept) && kept.length > 0) return kept
    throw error
  }
}

export function usePatients(): Load<Patient[]> {
  return useLoad('patients', listOrRemember, true)
}
