// The city's own name, once it is known.
import { fetchConfig } from '../services/config'
import { appName } from '../texts'
import { useLoad } from './useLoad'

export function useCityName(): string {
  return useLoad('config', fetchConfig).data?.city_name ?? appName
}
