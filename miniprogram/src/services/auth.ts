// Signing in and out: by WeChat, by the official account, by a code sent to the phone.
import { request } from '../utils/request'
import type { LoginAnswer, TokenPair } from './types'

const AUTH = '/api/v1/auth'

/** Asks for a code by SMS. The answer is the same for known and unknown numbers. */
export function sendSmsCode(phone: string): Promise<{ resend_after_s: number }> {
  return request({ method: 'POST', path: `${AUTH}/sms-codes`, body: { phone }, anonymous: true })
}

export function loginBySms(phone: string, code: string): Promise<TokenPair> {
  return request({ method: 'POST', path: `${AUTH}/sms`, body: { phone, code }, anonymous: true })
}

/** After IDENTITY_NEEDED: the account is one's own, and here is the end of the ID number. */
export function loginByIdentity(ticket: string, lastFour: string): Promise<TokenPair> {
  const body = { login_ticket: ticket, last_four: lastFour }
  return request({ method: 'POST', path: `${AUTH}/identity`, body, anonymous: true })
}

/** After IDENTITY_NEEDED: the number was somebody else's before. */
export function loginAsNewHolder(ticket: string): Promise<TokenPair> {
  return request({ method: 'POST', path: `${AUTH}/new-holder`, body: { login_ticket: ticket }, anonymous: true })
}

/** Signs in with the code of `wx.login`. */
export function loginByMiniProgram(jsCode: string): Promise<LoginAnswer> {
  return request({ method: 'POST', path: `${AUTH}/wechat-mini`, body: { js_code: jsCode }, anonymous: true })
}

/** Completes a mini-program sign-in with the code of the phone-number button. */
export function loginByMiniProgramPhone(ticket: string, phoneCode: string): Promise<LoginAnswer> {
  const body = { login_ticket: ticket, phone_code: phoneCode }
  return request({ method: 'POST', path: `${AUTH}/wechat-mini`, body, anonymous: true })
}

/** Exchanges the ticket that the official account's redirect brought. */
export function loginByTicket(ticket: string): Promise<LoginAnswer> {
  return request({ method: 'POST', path: `${AUTH}/ticket`, body: { ticket }, anonymous: true })
}

/** Completes an official-account sign-in with a phone number and its SMS code. */
export function loginByTicketPhone(ticket: string, phone: string, code: string): Promise<LoginAnswer> {
  const body = { login_ticket: ticket, phone, code }
  return request({ method: 'POST', path: `${AUTH}/ticket`, body, anonymous: true })
}

/** Where the browser goes to sign in with WeChat; it comes back to the sign-in page with a ticket. */
export function wechatOauthUrl(returnTo: string): string {
  return `${API_URL}${AUTH}/wechat-oauth?return_to=${encodeURIComponent(returnTo)}`
}

export function signOut(): Promise<void> {
  return request({ method: 'POST', path: `${AUTH}/sign-out` })
}
