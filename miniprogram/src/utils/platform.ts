// What this phone is and can do.
import Taro from '@tarojs/taro'
import type { PaymentMethod } from '../services/types'

export const isWeapp = process.env.TARO_ENV === 'weapp'

/** The web app inside WeChat's own browser. */
export function isWechatBrowser(): boolean {
  return !isWeapp && typeof navigator !== 'undefined' && /MicroMessenger/i.test(navigator.userAgent)
}

/** How a person can pay here. */
export function paymentMethod(hasOfficialAccountId: boolean): PaymentMethod {
  if (isWeapp) return 'wechat_mini'
  return isWechatBrowser() && hasOfficialAccountId ? 'wechat_jsapi' : 'wechat_native'
}

/** The city runs on the machine in front of one: somebody tries it out, and no scanner can be held to this screen. */
export function isTriedOut(): boolean {
  return !isWeapp && typeof location !== 'undefined' && ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)
}

/** A web page cannot make the screen brighter, but it can keep it from going dark in a queue. */
function stayAwake(): () => void {
  if (typeof navigator === 'undefined' || !('wakeLock' in navigator)) return () => undefined
  const lock = navigator.wakeLock.request('screen').catch(() => undefined)
  return () => {
    void lock.then((held) => held?.release()).catch(() => undefined)
  }
}

/** Full brightness and no sleep while a code is shown; undone by calling the result. */
export function brighten(): () => void {
  if (!isWeapp) return stayAwake()
  let before = -1
  void Taro.getScreenBrightness()
    .then(({ value }) => {
      before = value
      return Taro.setScreenBrightness({ value: 1 })
    })
    .catch(() => undefined)
  void Taro.setKeepScreenOn({ keepScreenOn: true }).catch(() => undefined)
  return () => {
    void Taro.setKeepScreenOn({ keepScreenOn: false }).catch(() => undefined)
    if (before >= 0) void Taro.setScreenBrightness({ value: before }).catch(() => undefined)
  }
}

/** A short word that goes away by itself. */
export function toast(title: string): void {
  void Taro.showToast({ title, icon: 'none', duration: 2500 })
}

/** The next page of a form begins at its top, not where the last one was left. */
export function toTop(): void {
  void Taro.pageScrollTo({ scrollTop: 0, duration: 0 }).catch(() => undefined)
}
