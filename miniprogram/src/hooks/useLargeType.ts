// Large type and the tap that changes it: on this phone at once, in the account when it can be reached.
import { saveSettings } from '../services/residents'
import { applyLargeType, largeTypeStore } from '../utils/largeType'
import { saveMe } from '../utils/session'
import { useStore } from '../utils/store'
import { useMe } from './useMe'

export function useLargeType(): [boolean, () => void] {
  const large = useStore(largeTypeStore)
  const me = useMe()
  const toggle = (): void => {
    applyLargeType(!large)
    if (me) saveSettings({ large_type: !large }).then(saveMe).catch(() => undefined)
  }
  return [large, toggle]
}
