// The large type: a choice of this phone first, told to the city when someone is signed in.
import Taro from '@tarojs/taro'
import { createStore } from './store'

const KEY = 'hc.large_type'

export const largeTypeStore = createStore<boolean>(Taro.getStorageSync<boolean | string>(KEY) === true)

export function applyLargeType(large: boolean): void {
  Taro.setStorageSync(KEY, large)
  largeTypeStore.set(large)
  paintLargeType()
}

/** The tab bar of the web app lies outside the pages and needs the mark on the root. */
export function paintLargeType(): void {
  if (process.env.TARO_ENV === 'h5') document.documentElement.classList.toggle('hc-large', largeTypeStore.get())
}
