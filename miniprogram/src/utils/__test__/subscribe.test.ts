// What WeChat is asked for, when, and what the city hears of it.
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { answerWith, askedFor, answerPrompt, sent, storedValue } from '../../testing/fakeTaro'
import { sampleTokens } from '../../testing/samples'
import { saveTokens } from '../session'

const KINDS = ['appointment_booked', 'appointment_cancelled', 'schedule_stopped', 'refund_succeeded', 'code_used', 'phone_released', 'survey_card', 'survey_heard', 'visit_reminder', 'report_ready', 'referral', 'referral_missed', 'referral_follow_up', 'birth_filing', 'record_consent_asked', 'record_answered']
const ids = Object.fromEntries(KINDS.map((kind) => [kind, `T-${kind}`]))

vi.mock('../platform', () => ({ isWeapp: true }))

async function freshModule() {
  vi.resetModules()
  const subscribe = await import('../subscribe')
  await subscribe.prepareSubscriptions()
  sent.length = 0
  return subscribe
}

const reported = (): unknown[] => sent.filter(({ url }) => url.endsWith('/messages/subscriptions')).map(({ body }) => body)

beforeEach(() => {
  saveTokens(sampleTokens('1'))
  answerWith(({ url }) => (url.includes('/config') ? { status: 200, data: { wechat: { subscribe_templates: ids } } } : { status: 204 }))
})

describe('asking to be told in WeChat', () => {
  test('no moment asks for more kinds than WeChat takes', async () => {
    const { kindsAt, MOST_KINDS } = await freshModule()
    expect(Object.values(kindsAt).every((kinds) => kinds.length <= MOST_KINDS)).toBe(true)
  })

  test('every kind is asked for at some moment', async () => {
    const { kindsAt } = await freshModule()
    expect(new Set(Object.values(kindsAt).flat())).toEqual(new Set(KINDS))
  })

  test('booking asks for what may become of a booking, and tells the city what was accepted', async () => {
    const { askSubscriptions } = await freshModule()
    answerPrompt({ 'T-appointment_booked': 'accept', 'T-schedule_stopped': 'reject', 'T-appointment_cancelled': 'accept' })
    await askSubscriptions('booking')
    expect(askedFor).toEqual([['T-appointment_booked', 'T-schedule_stopped', 'T-appointment_cancelled']])
    expect(reported()).toEqual([{ template_kinds: ['appointment_booked', 'appointment_cancelled'] }])
  })

  test('opening the code asks for its uses', async () => {
    const { askSubscriptions } = await freshModule()
    answerPrompt({ 'T-code_used': 'accept' })
    await askSubscriptions('code')
    expect(reported()).toEqual([{ template_kinds: ['code_used'] }])
  })

  test('a no tells the city nothing', async () => {
    const { askSubscriptions } = await freshModule()
    answerPrompt({ 'T-code_used': 'reject' })
    await askSubscriptions('code')
    expect(reported()).toEqual([])
  })

  test('a phone that cannot ask goes on', async () => {
    const { askSubscriptions } = await freshModule()
    answerPrompt(new Error('requestSubscribeMessage:fail'))
    await expect(askSubscriptions('paying')).resolves.toBeUndefined()
  })

  test('before the templates are known nothing is asked', async () => {
    vi.resetModules()
    const { askSubscriptions } = await import('../subscribe')
    await askSubscriptions('code')
    expect(askedFor).toEqual([])
  })

  test('a yes that the city did not hear is told with the next one', async () => {
    const { askSubscriptions } = await freshModule()
    answerPrompt({ 'T-code_used': 'accept', 'T-appointment_cancelled': 'accept', 'T-refund_succeeded': 'reject' })
    answerWith(() => new Error('no network'))
    await askSubscriptions('code')
    answerWith(() => ({ status: 204 }))
    await askSubscriptions('cancelling')
    expect(reported().slice(-1)).toEqual([{ template_kinds: ['appointment_cancelled', 'code_used'] }])
    expect(storedValue('hc.unsent_grants')).toBeUndefined()
  })

  test('the tap that opens the code asks once a day', async () => {
    const { askDaily } = await freshModule()
    answerPrompt({ 'T-code_used': 'accept' })
    await askDaily('code')
    await askDaily('code')
    expect(askedFor).toEqual([['T-code_used', 'T-survey_card', 'T-survey_heard']])
  })
})
