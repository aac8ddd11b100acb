// What was typed and not sent yet, kept on the phone until it is; signing out forgets it (see session.ts).
import Taro from '@tarojs/taro'

const keyOf = (name: string): string => `hc.offline.draft.${name}`

/** What was kept under this name; nothing when there is none. */
export function findDraft(name: string): object | null {
  const kept = Taro.getStorageSync<object | string>(keyOf(name))
  return kept && typeof kept === 'object' ? kept : null
}

export function keepDraft(name: string, draft: object): void {
  Taro.setStorageSync(keyOf(name), draft)
}

export function dropDraft(name: string): void {
  Taro.removeStorageSync(keyOf(name))
}
