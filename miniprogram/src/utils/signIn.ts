// Signing in on each platform; the page only shows where it stands.
import Taro from '@tarojs/taro'
import { loginByMiniProgram, wechatOauthUrl } from '../services/auth'
import { fetchMe, saveSettings } from '../services/residents'
import type { LoginAnswer, TokenPair } from '../services/types'
import { ApiError } from './apiError'
import { applyLargeType, largeTypeStore } from './largeType'
import { routes } from './navigate'
import { saveMe, saveTokens } from './session'

/** Keeps the tokens; the large type follows the person from phone to phone. */
export function finishSignIn(tokens: TokenPair): void {
  saveTokens(tokens)
  const wanted = tokens.resident.settings.large_type
  if (wanted) applyLargeType(true)
  else if (largeTypeStore.get()) void saveSettings({ large_type: true }).then((me) => {
    saveMe(me)
  }).catch(() => undefined)
}

/** The ticket of the further question, when nobody has used the phone's account for long. */
export function identityTicketOf(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.code !== 'IDENTITY_NEEDED') return null
  const { login_ticket: ticket } = error.data
  return typeof ticket === 'string' ? ticket : null
}

/** `wx.login`, then the city. */
export async function signInByMiniProgram(): Promise<LoginAnswer> {
  const { code } = await Taro.login()
  return loginByMiniProgram(code)
}

/** Leaves for the official account's sign-in page; it comes back with a ticket. */
export function leaveForWechat(): void {
  window.location.assign(wechatOauthUrl(`/#${routes.login()}`))
}

/** The resident as the server knows him now. */
export async function reloadMe(): Promise<void> {
  saveMe(await fetchMe())
}
