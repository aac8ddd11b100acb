// Opens every page of the built mini-program in a stand-in for WeChat and makes the journey that only WeChat
// has: sign in by `wx.login`, be asked for messages, pay by `wx.requestPayment`. Ends with 1 when a page
// does not say what it should. Run after `taro build --type weapp`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StandInWechat } from './standInWechat.mjs'

const root = new URL('../dist/weapp', import.meta.url).pathname
const inHours = (hours) => new Date(Date.now() + hours * 3600_000).toISOString()

const me = {
  id: 'R', phone: '138****5678', name: '张**', id_number: '370***********3461', sex: 'female', birth_on: '1950-02-03', real_name: true,
  openids: { mini: true, oa: false }, settings: { large_type: false }, created_at: '2026-01-01T00:00:00Z',
}
const self = { id: 'R', relation: 'self', name: '张**', id_number: me.id_number, sex: 'female', birth_on: '1950-02-03', age: 76, state: 'active' }
const slot = { number: 3, start_at: inHours(30), end_at: inHours(30.1), state: 'free' }
const session = { practitioner: null, period: 'am', kind: 'general', fee_fen: 500, free: 1, total: 2, state: 'open' }
const place = { organization: { id: 'O', name: '第一人民医院', address: '仁爱路1号' }, department: { id: 'D', name: '儿科', place: '门诊楼2层' } }
const schedule = { id: 'S', ...place, on: inHours(30).slice(0, 10), ...session, booking_url: null, booking_phone: null, slots: [slot] }
const appointment = (state, paymentState) => ({
  ...slot, id: 'A', state, hold_until: state === 'held' ? inHours(0.1) : null, schedule_id: 'S', ...place, practitioner: null, on: schedule.on, period: 'am',
  patient: { id: 'R', name: '张**' }, fee_fen: 500, channel: 'wechat', created_at: inHours(-1), cancelled_at: null, cancel_reason: null,
  can_cancel: true, cancel_by: inHours(20), payment: { state: paymentState, order_id: null, amount_fen: 500, paid_at: null, refunded_at: null },
})
const tokens = { access_token: 'access', refresh_token: 'refresh', token_type: 'Bearer', expires_in: 1800, resident: me }

const CITY = {
  'POST /auth/wechat-mini': () => ({ tokens, phone_needed: false, login_ticket: null }),
  'GET /config': () => ({ city_name: '健康城市', booking_days: 14, hold_minutes: 10, wechat: { subscribe_templates: { appointment_booked: 'TEMPLATE' } } }),
  'GET /me': () => me,
  'GET /patients': () => ({ items: [self] }),
  'GET /guardians': () => ({ items: [{ id: 'L', name: '李*', relation: 'parent', state: 'pending', created_at: inHours(-1) }] }),
  'POST /health-codes/dynamic': () => ({ text: 'E1:ABC123', ttl_s: 60, refresh_after_s: 45 }),
  'POST /health-codes/offline-device': () => ({ pseudo_id: '0011223344556677', secret: '00'.repeat(32), step_s: 30, valid_until: inHours(24) }),
  'GET /organizations': () => ({ items: [{ id: 'O', name: '第一人民医院', level_name: '三级甲等', address: '仁爱路1号' }], next_cursor: null }),
  'GET /organizations/O': () => ({ id: 'O', name: '第一人民医院', level_name: '三级甲等', address: '仁爱路1号', phone: '400-000-0101' }),
  'GET /organizations/O/departments': () => ({ items: [{ id: 'D', organization_id: 'O', name: '儿科', place: '门诊楼2层', offer: null }] }),
  'GET /departments/D': () => ({ id: 'D', organization_id: 'O', name: '儿科', place: '', offer: null }),
  'GET /departments/D/availability': () => ({ department_id: 'D', days: [{ on: schedule.on, free: 1, sessions: [{ schedule_id: 'S', ...session }] }] }),
  'GET /schedules/S': () => schedule,
  'POST /holds': () => appointment('held', 'due'),
  'POST /appointments': () => appointment('held', 'due'),
  'GET /appointments/A': () => appointment('held', 'due'),
  'POST /appointments/A/payment': () => ({
    order_id: 'ORDER', amount_fen: 500, expires_at: inHours(0.1), method: 'wechat_mini', code_url: null,
    params: { timeStamp: '1', nonceStr: 'N', package: 'prepay_id=P', signType: 'RSA', paySign: 'SIGN' },
  }),
  'POST /appointments/A/payment/refresh': () => appointment('booked', 'paid'),
}
const answer = ({ method, url }) => {
  const known = CITY[`${method} ${url.split('?')[0].replace('/api/v1', '')}`]
  return known ? [200, known()] : [200, { items: [], next_cursor: null }]
}

/** What each page must say to someone who is signed in; a page not listed here is an error. */
const WORDS = {
  'pages/home/index': '您好，张**', 'pages/login/index': '微信登录', 'pages/realname/index': '您已完成实名认证',
  'pages/code/show/index': '秒后自动更换', 'pages/code/uses/index': '还没有用码记录', 'pages/code/printed/index': '生成纸质码',
  'pages/booking/hospitals/index': '第一人民医院', 'pages/booking/departments/index': '儿科', 'pages/booking/days/index': '余1',
  'pages/booking/slots/index': '3号', 'pages/booking/confirm/index': '号已为您保留', 'pages/booking/pay/index': '¥5.00',
  'pages/appointments/list/index': '没有待就诊的预约', 'pages/appointments/detail/index': '待支付', 'pages/patients/list/index': '请求替您办事',
  'pages/patients/add/index': '与您的关系', 'pages/messages/list/index': '还没有消息', 'pages/mine/index': '已实名',
  'pages/settings/index': '370****3461', 'pages/settings/phone/index': '新手机号', 'pages/about/index': '我们做什么',
}
const QUERY = { organization_id: 'O', department_id: 'D', schedule_id: 'S', number: '3', appointment_id: 'A' }

function expect(found, what) {
  if (!found) throw new Error(what)
}

async function until(found, what) {
  const end = Date.now() + 8000
  while (!found()) {
    expect(Date.now() < end, what)
    await new Promise((done) => setTimeout(done, 20))
  }
}

async function signIn(wechat) {
  const login = wechat.open('pages/login/index')
  await login.tap('微信登录')
  expect(wechat.requests.every(({ url }) => url.endsWith('/config')), 'something was sent before the person agreed')
  await login.tap('同意并登录')
  await until(() => wechat.kept.has('hc.session'), 'wx.login did not lead to a session')
  const asked = wechat.requests.find(({ url }) => url.endsWith('/wechat-mini'))
  expect(asked.body.js_code === 'JS-CODE', 'the code of wx.login was not sent')
  login.close()
}

async function bookAndPay(wechat) {
  const confirm = wechat.open('pages/booking/confirm/index', QUERY)
  await confirm.shows('号已为您保留')
  await confirm.tap('确认并支付')
  await until(() => wechat.calls.some(({ name, options }) => name === 'redirectTo' && options.url.includes('/pay/')), 'confirming did not lead to the payment')
  const asked = wechat.requests.find(({ url }) => url.endsWith('/messages/subscriptions'))
  expect(asked?.body.template_kinds[0] === 'appointment_booked', 'the allowed messages were not reported')
  expect(wechat.requests.find(({ url }) => url.endsWith('/holds')).header['Idempotency-Key'], 'a hold went without a key')
  confirm.close()
  const pay = wechat.open('pages/booking/pay/index', QUERY)
  await pay.tap('微信支付')
  await until(() => wechat.calls.some(({ name, options }) => name === 'redirectTo' && options.url.includes('/detail/')), 'paying did not lead to the appointment')
  expect(wechat.calls.find(({ name }) => name === 'requestPayment').options.paySign === 'SIGN', 'WeChat was not given the signed order')
  pay.close()
}

async function openEveryPage(wechat) {
  const { pages } = JSON.parse(readFileSync(join(root, 'app.json'), 'utf8'))
  for (const path of pages) {
    expect(WORDS[path], `${path} is not listed in scripts/open-pages.mjs`)
    const screen = wechat.open(path, QUERY)
    await screen.shows(WORDS[path])
    screen.close()
  }
  return pages.length
}

process.on('unhandledRejection', (error) => {
  console.error('error:', error)
  process.exit(1)
})

const wechat = new StandInWechat(root, answer, {
  login: ({ success }) => success({ code: 'JS-CODE' }),
  requestSubscribeMessage: ({ tmplIds, success }) => success(Object.fromEntries(tmplIds.map((id) => [id, 'accept']))),
})
wechat.launch()
await signIn(wechat)
const count = await openEveryPage(wechat)
await bookAndPay(wechat)
console.log(`weapp: ${count} pages opened, signed in, booked and paid in a stand-in for WeChat`)
process.exit(0)
