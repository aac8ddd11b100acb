// What the city answers to the mini-program that scripts/open-pages.mjs opens: one person with a little of everything.
import type { Answers, Birth, Filing, Material, Precheck } from '../../services/births'
import type { Correction, Export, Keeper, TimelineEntry } from '../../services/record'
import type { Access, Consent, ReadingQuestion } from '../../services/records'
import type { ImageStudy, Report, ReportItem, ReportLine, SharedLink, ShareRecord, Trend } from '../../services/reports'
import { sampleAppointment, sampleBirth, sampleBirthPage, sampleHandover, sampleMe, sampleReferral, sampleStep, sampleTokens } from '../samples'

const inHours = (hours: number): string => new Date(Date.now() + hours * 3600_000).toISOString()
const page = (...items: object[]): object => ({ items, next_cursor: null })

const me = sampleMe({ id: 'R', name: '张**', id_number: '370***********3461', birth_on: '1950-02-03', openids: { mini: true, oa: false } })
const self = { id: 'R', relation: 'self', name: '张**', id_number: me.id_number, sex: 'female', birth_on: '1950-02-03', age: 76, state: 'active' }

// --- booking ---

const slot = { number: 3, start_at: inHours(30), end_at: inHours(30.1), state: 'free' }
const session = { practitioner: null, period: 'am', kind: 'general', fee_fen: 500, free: 1, total: 2, state: 'open' }
const place = { organization: { id: 'O', name: '第一人民医院', address: '仁爱路1号' }, department: { id: 'D', name: '儿科', place: '门诊楼2层' } }
// The day that it is then in the city, eight hours ahead.
const on = inHours(30 + 8).slice(0, 10)
const schedule = { id: 'S', ...place, on, ...session, booking_url: null, booking_phone: null, slots: [slot] }

const appointment = (state: 'held' | 'booked', payment: 'due' | 'paid'): object => sampleAppointment({
  id: 'A', state, hold_until: state === 'held' ? inHours(0.1) : null, schedule_id: 'S', ...place, practitioner: null, on, start_at: slot.start_at,
  end_at: slot.end_at, patient: { id: 'R', name: '张**' }, fee_fen: 500, cancel_by: inHours(20),
  payment: { state: payment, order_id: null, amount_fen: 500, paid_at: null, refunded_at: null },
})

// --- the record ---

const consent: Consent = {
  id: 'C', patient_id: 'R', state: 'granted', purpose: 'treatment', purpose_name: '诊疗', kinds: null, since: null, until: null, recipients: null,
  expires_at: inHours(720), sensitive: false, asked: null, via: 'app', created_at: inHours(-1), answered_at: inHours(-1), ended_at: null,
}
const access: Access = {
  id: 'X', at: inHours(-2), by: 'hospital', organization_name: '第一人民医院', practitioner: '王建国', purpose: 'treatment', purpose_name: '诊疗', basis: 'visit',
  why: '正在就诊', what: '检验报告', kinds: ['lab'], count: 2, question: null,
}
const question: ReadingQuestion = { access_id: 'X', text: '为什么', asked_at: inHours(0), due_at: inHours(240), answer: null, answered_at: null }
const moment: TimelineEntry = {
  id: 'T', kind: 'lab', at: inHours(-30), title: '血常规', note: '血红蛋白偏低', organization_name: '第一人民医院', own: false, sensitive: false, report_id: 'LAB',
  documents: [],
}
const measured: TimelineEntry = { ...moment, id: 'M', kind: 'measurement', title: '体重', note: '61.5 kg', own: true, report_id: null }
const closed: TimelineEntry = { ...moment, id: 'C', kind: 'diagnosis', title: '内容较私密', note: '', sensitive: true, report_id: null }
const visit: TimelineEntry = { ...moment, id: 'V', kind: 'visit', title: '门诊', note: '', report_id: null }
const letter: TimelineEntry = {
  ...moment, id: 'L', kind: 'document', title: '出院小结', note: '', report_id: null,
  documents: [
    { number: 1, title: '扫描件', content_type: 'application/pdf', size: 1_200_000 }, { number: 2, title: '小结全文', content_type: 'text/plain', size: 9 },
  ],
}
const keeper: Keeper = { chart_id: 'CHART', organization_name: '第一人民医院' }
const correction: Correction = { id: 'K', organization_name: '第一人民医院', field: 'phone', wish: '138', state: 'asked', answer: '', asked_at: inHours(-1) }
const made = (form: Export['form']): Export => ({ id: `EXPORT-${form}`, form, state: 'done', done: 3, total: 3, expires_at: inHours(24) })

// --- reports ---

const line: ReportLine = {
  id: 'LAB', kind: 'lab', title: '血常规', organization_name: '第一人民医院', state: 'final', at: inHours(-30), sensitive: false, notable: 1,
}
const item: ReportItem = {
  id: 'I', name: '血红蛋白', value: '98', unit: 'g/L', range: '115-150', flag: 'low', critical: false, computed: false, words: '偏低常见于贫血。',
  words_source: '示例:1', analyte: '718-7', method: '', note: '', state: 'final',
}
const lab: Report = {
  ...line, issued_at: inHours(-29), hidden: false, conclusion: '', doctors: ['赵明'], items: [item], documents: [], patient_id: 'R', visit_id: null,
}
const imaging: Report = {
  ...lab, id: 'CT', kind: 'imaging', title: '胸部CT', conclusion: '两肺纹理清晰', items: [],
  documents: [{ number: 1, title: '胶片截图', content_type: 'image/jpeg', size: null }, { number: 2, title: '检查记录', content_type: 'text/plain', size: 4 }],
}
const hidden: Report = { ...lab, id: 'HIDDEN', hidden: true, sensitive: true, items: [] }
const at = (hours: number, value: number): Trend['points'][number] => ({
  at: inHours(hours), value, text: String(value), original: `${String(value)} g/L`, low: 115, high: 150, flag: 'low', organization_name: '第一人民医院', method: '',
  own: false,
})
const trend: Trend = { analyte: '718-7', name: '血红蛋白', unit: 'g/L', points: [at(-3000, 102), at(-30, 98)], apart: [] }
const study: ImageStudy = {
  description: '胸部', at: inHours(-30), series: [{
    description: '肺窗', modality: 'CT', instances: [{ id: 'IMAGE', frames: 1, rows: 512, columns: 512, center: 40, width: 400, bytes: 1000 }],
  }],
}
const link: SharedLink = { id: 'LINK', uri: 'https://city.example/s/1', expires_at: inHours(24) }
const share: ShareRecord = {
  id: 'LINK', label: '血常规', created_at: inHours(-1), expires_at: inHours(23), live: true, passcode: false, opened: 1, last_opened_at: inHours(-0.5), recipient: '',
}

// --- a referral, a newborn ---

const referral = sampleReferral({
  id: 'F', patient: { id: 'R', name: '张**' },
  transport: { kind: 'own', departed_at: inHours(-1), expected_at: inHours(1), vehicle: '', crew_phone: '' },
  clinical: { reason: '胸痛三天', diagnoses: [], summary: '', discharge_summary: '恢复良好', plan: [{ number: 1, what: '复查心电图', due_on: '2030-01-02', result: 'open', done_on: null, not_done: null }] },
})
const birth: Birth = sampleBirth({ id: 'B' })
const answers: Answers = {
  child_name: '李安', household_with: 'mother', single_parent: false, other_name: '', other_id_number: '', wanted: [],
  delivery: { way: 'pickup', receiver: '', phone: '', address: '' }, bank_account: '',
}
const material: Material = { kind: 'id_card_father', name: '爸爸的身份证', source: 'upload', state: 'wanted', may_upload: true, file_ids: [] }
const wrong = sampleStep({
  code: 'household', name: '户口登记', agency_name: '公安机关', state: 'needs_correction', corrects: ['child_name'], correct_by: inHours(72),
  problems: [{ code: 'NAME', text: '名字里有生僻字', what_to_do: '请换一个字', kind: 'fix', field: 'child_name', step: 'household' }],
})
const certificate = sampleStep({ state: 'done', ended_at: inHours(-1), results: { certificate_no: 'A370000001' } })
const fetched = { ...certificate, handover: sampleHandover() }
const posted = sampleStep({
  code: 'household', name: '户口登记', state: 'done', ended_at: inHours(-1),
  handover: sampleHandover({ what: '户口簿新增页', state: 'posted', mailed: true, courier: '邮政', tracking_no: 'EM1CN', code: '', pickup: '' }),
})
const filing = (id: string, state: Filing['state'], steps: Filing['steps']): Filing => ({
  id, birth, state, answers, steps, materials: [material], remarks: [], owner: null, open_until: inHours(720), submitted_at: null, ended_at: null,
})
const draft = filing('DRAFT', 'draft', [])
const precheck: Precheck = {
  ok: true, problems: [], materials: [material], steps: ['birth_certificate'], left_out: [],
  plan: [{ code: 'birth_certificate', name: '出生医学证明', agency_name: '妇幼保健机构', optional: false }], promised_days: 5,
}

const file = (text: string): ArrayBuffer => new Uint8Array(Array.from(text, (sign) => sign.charCodeAt(0))).buffer

/** By method and path below /api/v1; whatever is not here, no page may ask for. */
const CITY: Record<string, () => unknown> = {
  'POST /auth/wechat-mini': () => ({ tokens: { ...sampleTokens('first'), resident: me }, phone_needed: false, login_ticket: null }),
  'GET /config': () => ({ city_name: '健康城市', booking_days: 14, hold_minutes: 10, wechat: { subscribe_templates: { appointment_booked: 'TEMPLATE' } } }),
  'GET /me': () => me,
  'GET /patients': () => page(self),
  'GET /guardians': () => page({ id: 'L', name: '李*', relation: 'parent', state: 'pending', created_at: inHours(-1) }),
  'GET /messages': () => page(),
  'GET /messages/opt-outs': () => page(),
  'POST /messages/subscriptions': () => null,
  'POST /health-codes/dynamic': () => ({ text: 'E1:ABC123', ttl_s: 60, refresh_after_s: 45 }),
  'POST /health-codes/offline-device': () => ({ pseudo_id: '0011223344556677', secret: '00'.repeat(32), step_s: 30, valid_until: inHours(24) }),
  'GET /health-codes/uses': () => page(),
  'GET /health-codes/static': () => page(),
  'GET /organizations': () => page({ id: 'O', name: '第一人民医院', level_name: '三级甲等', address: '仁爱路1号' }),
  'GET /organizations/O': () => ({ id: 'O', name: '第一人民医院', level_name: '三级甲等', address: '仁爱路1号', phone: '400-000-0101' }),
  'GET /organizations/O/departments': () => page({ id: 'D', organization_id: 'O', name: '儿科', place: '门诊楼2层', offer: null }),
  'GET /departments/D': () => ({ id: 'D', organization_id: 'O', name: '儿科', place: '', offer: null }),
  'GET /departments/D/availability': () => ({ department_id: 'D', days: [{ on, free: 1, sessions: [{ schedule_id: 'S', ...session }] }] }),
  'GET /schedules/S': () => schedule,
  'POST /holds': () => appointment('held', 'due'),
  'DELETE /holds/A': () => null,
  'GET /appointments': () => page(),
  'POST /appointments': () => appointment('held', 'due'),
  'GET /appointments/A': () => appointment('held', 'due'),
  'POST /appointments/A/payment': () => ({
    order_id: 'ORDER', amount_fen: 500, expires_at: inHours(0.1), method: 'wechat_mini', code_url: null,
    params: { timeStamp: '1', nonceStr: 'N', package: 'prepay_id=P', signType: 'RSA', paySign: 'SIGN' },
  }),
  'POST /appointments/A/payment/refresh': () => appointment('booked', 'paid'),
  'GET /consents': () => page(consent),
  'GET /records/accesses': () => page(access),
  'POST /records/accesses/X/questions': () => question,
  'GET /records/timeline': () => page(moment, measured, closed, visit, letter),
  'GET /records/timeline/C': () => ({ ...closed, title: '人类免疫缺陷病毒病' }),
  'GET /records/timeline/L/documents/1': () => file('%PDF-1.4'),
  'GET /records/timeline/L/documents/2': () => file('BP 120/80'),
  'DELETE /records/measurements/M': () => null,
  'GET /records/keepers': () => page(keeper),
  'GET /records/corrections': () => page(correction),
  'POST /records/exports': () => made('pdf'),
  'GET /records/exports/EXPORT-pdf/file': () => file('%PDF-1.4'),
  'GET /reports': () => page(line),
  'GET /reports/LAB': () => lab,
  'GET /reports/CT': () => imaging,
  'GET /reports/HIDDEN': () => hidden,
  'GET /reports/LAB/pdf': () => file('%PDF-1.4'),
  'GET /reports/CT/documents/1': () => file('picture'),
  'GET /reports/CT/documents/2': () => file('text'),
  'GET /reports/CT/images': () => page(study),
  'GET /images/IMAGE/rendered': () => file('picture'),
  'GET /reports/trend': () => trend,
  'POST /reports/LAB/links': () => link,
  'GET /report-links': () => page(share),
  'GET /referrals': () => page(referral),
  'GET /referrals/F': () => referral,
  'GET /births/page': () => sampleBirthPage(),
  'GET /births': () => page(birth),
  'POST /births/B/precheck': () => precheck,
  'GET /birth-filings': () => page(draft),
  'GET /birth-filings/DRAFT': () => draft,
  'PUT /birth-filings/DRAFT': () => draft,
  'POST /birth-filings/DRAFT/files': () => ({ id: 'FILE' }),
  'GET /birth-filings/WRONG': () => filing('WRONG', 'needs_correction', [certificate, wrong]),
  'GET /birth-filings/DONE/steps/birth_certificate/paper': () => file('%PDF-1.4'),
  'GET /birth-filings/DONE': () => filing('DONE', 'completed', [fetched, posted]),
}

export function answer({ method, url }: { method: string; url: string }): [number, unknown] {
  const asked = `${method} ${(url.split('?')[0] ?? '').replace('/api/v1', '')}`
  const known = CITY[asked]
  if (!known) throw new Error(`the stand-in city has no answer to ${asked}: put one into src/testing/weapp/city.ts`)
  return [200, known()]
}
