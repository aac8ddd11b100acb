import { beforeEach, describe, expect, test } from 'vitest'
import { answerWith, sent } from '../../testing/fakeTaro'
import { sampleTokens } from '../../testing/samples'
import { findOfflineDevice, renewOfflineDevice } from '../../utils/offlineDevices'
import { NO_ANSWERS } from '../../utils/births'
import { saveTokens } from '../../utils/session'
import * as appointments from '../appointments'
import * as auth from '../auth'
import * as births from '../births'
import * as directory from '../directory'
import * as healthcodes from '../healthcodes'
import * as messages from '../messages'
import * as patients from '../patients'
import * as payments from '../payments'
import * as record from '../record'
import * as records from '../records'
import * as referrals from '../referrals'
import * as residents from '../residents'

beforeEach(() => {
  saveTokens(sampleTokens('1'))
  answerWith(() => ({ status: 200, data: { items: [], next_cursor: null } }))
})

describe('each service makes the call of the contract', () => {
  test.each([
    ['a code by SMS', () => auth.sendSmsCode('13812345678'), 'POST /auth/sms-codes', { phone: '13812345678' }],
    ['sign-in by SMS', () => auth.loginBySms('13812345678', '123456'), 'POST /auth/sms', { phone: '13812345678', code: '123456' }],
    ['the end of the ID number', () => auth.loginByIdentity('T', '002X'), 'POST /auth/identity', { login_ticket: 'T', last_four: '002X' }],
    ['a number new to me', () => auth.loginAsNewHolder('T'), 'POST /auth/new-holder', { login_ticket: 'T' }],
    ['sign-in by mini-program', () => auth.loginByMiniProgram('J'), 'POST /auth/wechat-mini', { js_code: 'J' }],
    ['its phone number', () => auth.loginByMiniProgramPhone('T', 'P'), 'POST /auth/wechat-mini', { login_ticket: 'T', phone_code: 'P' }],
    ['sign-in by ticket', () => auth.loginByTicket('T'), 'POST /auth/ticket', { ticket: 'T' }],
    ['its phone number', () => auth.loginByTicketPhone('T', '13812345678', '123456'), 'POST /auth/ticket', { login_ticket: 'T', phone: '13812345678', code: '123456' }],
    ['sign-out', () => auth.signOut(), 'POST /auth/sign-out', undefined],
    ['me', () => residents.fetchMe(), 'GET /me', undefined],
    ['real name', () => residents.confirmRealName('张三', '1X'), 'POST /me/real-name', { name: '张三', id_number: '1X' }],
    ['settings', () => residents.saveSettings({ large_type: true }), 'PUT /me/settings', { large_type: true }],
    ['another phone', () => residents.changePhone({ phone: '1', code: '2' }), 'PUT /me/phone', { phone: '1', code: '2' }],
    ['leaving', () => residents.deleteAccount(), 'DELETE /me', undefined],
    ['patients', () => patients.listPatients(), 'GET /patients', undefined],
    ['a new patient', () => patients.addPatient({ relation: 'child', name: '张小明', id_number: '1X' }), 'POST /patients', { relation: 'child', name: '张小明', id_number: '1X' }],
    ['asking an adult', () => patients.askConsent('P', '13812345678'), 'POST /patients/P/consent-codes', { phone: '13812345678' }],
    ['his consent', () => patients.giveConsent('P', '13812345678', '123456'), 'POST /patients/P/consent', { phone: '13812345678', code: '123456' }],
    ['a patient less', () => patients.removePatient('P'), 'DELETE /patients/P', undefined],
    ['guardians', () => patients.listGuardians(), 'GET /guardians', undefined],
    ['accepting one', () => patients.acceptGuardian('L'), 'POST /guardians/L/accept', undefined],
    ['revoking one', () => patients.removeGuardian('L'), 'DELETE /guardians/L', undefined],
    ['a dynamic code', () => healthcodes.fetchDynamicCode('P'), 'POST /health-codes/dynamic', { patient_id: 'P' }],
    ['a printed code', () => healthcodes.createStaticCode('P'), 'POST /health-codes/static', { patient_id: 'P' }],
    ['the printed codes', () => healthcodes.listStaticCodes(), 'GET /health-codes/static', undefined],
    ['stopping one', () => healthcodes.revokeStaticCode('C'), 'DELETE /health-codes/static/C', undefined],
    ['consents', () => records.listConsents('P'), 'GET /consents?patient_id=P', undefined],
    ['saying yes', () => records.grantConsent('C'), 'POST /consents/C/grant', {}],
    ['saying no', () => records.denyConsent('C'), 'POST /consents/C/deny', undefined],
    ['taking back', () => records.revokeConsent('C'), 'POST /consents/C/revoke', undefined],
    ['a file of a document', () => record.fetchEntryDocument('P', 'E', 2), 'GET /records/timeline/E/documents/2?patient_id=P', undefined],
    ['who has read', () => records.listAccesses('P', false, 'C'), 'GET /records/accesses?patient_id=P&limit=20&cursor=C', undefined],
    ['everybody who has read', () => records.listAccesses('P', true), 'GET /records/accesses?patient_id=P&own=true&limit=20', undefined],
    ['a question about a reading', () => records.askAboutAccess('P', 'A', '为什么'), 'POST /records/accesses/A/questions', { patient_id: 'P', text: '为什么' }],
    ['referrals', () => referrals.listReferrals('C'), 'GET /referrals?limit=20&cursor=C', undefined],
    ['a referral', () => referrals.fetchReferral('R'), 'GET /referrals/R', undefined],
    ['a referral withdrawn', () => referrals.withdrawReferral('R'), 'POST /referrals/R/withdraw', {}],
    ['another time', () => referrals.wishReferral('R', '周四下午'), 'POST /referrals/R/wish', { text: '周四下午' }],
    ['a newborn checked', () => births.precheckBirth('B', NO_ANSWERS), 'POST /births/B/precheck', NO_ANSWERS],
    ['its papers begun', () => births.openFiling('B'), 'POST /birth-filings', { birth_id: 'B' }],
    ['answers kept', () => births.amendFiling('F', NO_ANSWERS), 'PUT /birth-filings/F', NO_ANSWERS],
    ['handed in', () => births.submitFiling('F'), 'POST /birth-filings/F/submit', undefined],
    ['one point corrected', () => births.correctStep('F', 'household', NO_ANSWERS), 'POST /birth-filings/F/steps/household/correct', NO_ANSWERS],
    ['taken back', () => births.withdrawFiling('F', '填错了'), 'POST /birth-filings/F/withdraw', { reason: '填错了' }],
    ['a photo', () => births.addMaterial('F', 'marriage', { key: 'K', content: 'QQ==' }), 'POST /birth-filings/F/files', { kind: 'marriage', content_type: 'image/jpeg', content: 'QQ==', key: 'K' }],
    ['a screenshot', () => births.addMaterial('F', 'marriage', { key: 'K', content: 'iVBORw0KGgo=' }), 'POST /birth-filings/F/files', { kind: 'marriage', content_type: 'image/png', content: 'iVBORw0KGgo=', key: 'K' }],
    ['a result on paper', () => births.fetchPaper('F', 'household'), 'GET /birth-filings/F/steps/household/paper', undefined],
    ['a photo less', () => births.removeMaterial('F', 'X'), 'DELETE /birth-filings/F/files/X', undefined],
    ['newest birth, of somebody without one', () => births.newestBirth(), 'GET /births', undefined],
    ['uses', () => healthcodes.listCodeUses('C'), 'GET /health-codes/uses?limit=20&cursor=C', undefined],
    ['hospitals', () => directory.listOrganizations(), 'GET /organizations?limit=20', undefined],
    ['departments', () => directory.listDepartments('O'), 'GET /organizations/O/departments', undefined],
    ['a department', () => directory.fetchDepartment('D'), 'GET /departments/D', undefined],
    ['a doctor', () => directory.fetchPractitioner('P'), 'GET /practitioners/P', undefined],
    ['a search', () => directory.searchDirectory('ek'), 'GET /search?q=ek', undefined],
    ['a week', () => directory.fetchAvailability('D', '2026-09-17'), 'GET /departments/D/availability?from=2026-09-17&days=7', undefined],
    ['a schedule', () => directory.fetchSchedule('S'), 'GET /schedules/S', undefined],
    ['a hold', () => appointments.holdSlot({ schedule_id: 'S', number: 3, patient_id: 'P' }), 'POST /holds', { schedule_id: 'S', number: 3, patient_id: 'P' }],
    ['giving it back', () => appointments.releaseHold('A'), 'DELETE /holds/A', undefined],
    ['booking', () => appointments.bookAppointment('A'), 'POST /appointments', { hold_id: 'A' }],
    ['my appointments', () => appointments.listAppointments('past', 'C'), 'GET /appointments?state=past&limit=20&cursor=C', undefined],
    ['one of them', () => appointments.fetchAppointment('A'), 'GET /appointments/A', undefined],
    ['cancelling', () => appointments.cancelAppointment('A', '约错了'), 'POST /appointments/A/cancel', { reason: '约错了' }],
    ['paying', () => payments.createPayment('A', 'wechat_native'), 'POST /appointments/A/payment', { method: 'wechat_native' }],
    ['asking for the money', () => payments.refreshPayment('A'), 'POST /appointments/A/payment/refresh', undefined],
    ['messages', () => messages.listMessages(), 'GET /messages?limit=20', undefined],
    ['a message read', () => messages.markRead('M'), 'POST /messages/M/read', undefined],
    ['stopped texts', () => messages.listOptOuts(), 'GET /messages/opt-outs', undefined],
    ['texts stopped', () => messages.stopTexts('surveys'), 'PUT /messages/opt-outs/surveys', undefined],
    ['texts allowed', () => messages.allowTexts('surveys'), 'DELETE /messages/opt-outs/surveys', undefined],
    ['what may be sent', () => messages.reportSubscriptions(['appointment_booked']), 'POST /messages/subscriptions', { template_kinds: ['appointment_booked'] }],
  ] as [string, () => Promise<unknown>, string, unknown][])('%s', async (_name, call, line, body) => {
    await call()
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([line.replace(' /', ' /api/v1/')])
    expect(sent[0]?.body).toEqual(body)
  })

  test('what must happen once carries a key; a read does not', async () => {
    await appointments.holdSlot({ schedule_id: 'S', number: 3, patient_id: 'P' })
    await appointments.fetchAppointment('A')
    expect(sent.map((call) => 'Idempotency-Key' in call.header)).toEqual([true, false])
  })
  test('the official account is told where to come back', () => {
    expect(auth.wechatOauthUrl('/#/pages/login/index')).toBe('/api/v1/auth/wechat-oauth?return_to=%2F%23%2Fpages%2Flogin%2Findex')
  })
  test('a hospital is asked for once, and again only after a failure', async () => {
    answerWith(() => ({ status: 404, data: { error: { code: 'NOT_FOUND' } } }))
    await directory.fetchOrganization('O1').catch(() => undefined)
    answerWith(() => ({ status: 200, data: { id: 'O1' } }))
    await directory.fetchOrganization('O1')
    await directory.fetchOrganization('O1')
    expect(sent).toHaveLength(2)
  })
})

describe('the offline device', () => {
  const device = (hours: number) => ({
    pseudo_id: '00', secret: '00', step_s: 30, valid_until: new Date(Date.now() + hours * 3600_000).toISOString(),
  })
  test('is fetched once and kept while it has time', async () => {
    answerWith(() => ({ status: 200, data: device(24) }))
    await renewOfflineDevice('P')
    await renewOfflineDevice('P')
    expect(sent).toHaveLength(1)
    expect(findOfflineDevice('P')?.step_s).toBe(30)
    expect(findOfflineDevice('Q')).toBeNull()
  })
  test('is renewed before it ends, and a failure keeps the old one', async () => {
    answerWith(() => ({ status: 200, data: device(2) }))
    await renewOfflineDevice('P')
    answerWith(() => new Error('Failed to fetch'))
    await renewOfflineDevice('P')
    expect(sent).toHaveLength(2)
    expect(findOfflineDevice('P')).not.toBeNull()
  })
})
