// What the app must know about this city.
import { request } from '../utils/request'
import type { CityConfig } from './types'

let known: CityConfig | null = null

/** The city's public settings; asked for once. */
export async function fetchConfig(): Promise<CityConfig> {
  known ??= await request<CityConfig>({ path: '/api/v1/config', anonymous: true })
  return known
}
