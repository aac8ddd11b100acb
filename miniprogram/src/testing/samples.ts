// Objects as the API sends them; tests say only what matters to them.
import type { Birth, BirthPage, Handover, Step } from '../services/births'
import type { Referral } from '../services/referrals'
import type { Appointment, Me, TokenPair } from '../services/types'

export function sampleMe(overrides: Partial<Me> = {}): Me {
  return {
    id: '01RESIDENT', phone: '138****5678', name: '张*', id_number: '110***********002X', sex: 'female', birth_on: '1949-12-31',
    real_name: true, openids: { mini: false, oa: false }, settings: { large_type: false }, created_at: '2026-09-17T01:00:00Z', ...overrides,
  }
}

export function sampleTokens(name: string): TokenPair {
  return { access_token: `access-${name}`, token_type: 'Bearer', expires_in: 1800, refresh_token: `refresh-${name}`, resident: sampleMe() }
}

export function sampleAppointment(overrides: Partial<Appointment> = {}): Appointment {
  return {
    id: '01APPOINTMENT', state: 'booked', hold_until: null, schedule_id: '01SCHEDULE',
    organization: { id: '01ORGANIZATION', name: '市人民医院', address: '广文街151号' },
    department: { id: '01DEPARTMENT', name: '儿科', place: '门诊楼2层' },
    practitioner: { id: '01PRACTITIONER', name: '王建国', title: '主任医师' },
    on: '2026-09-18', period: 'am', number: 3, start_at: '2026-09-18T00:10:00Z', end_at: '2026-09-18T00:20:00Z',
    patient: { id: '01RESIDENT', name: '张*' }, fee_fen: 1500, channel: 'h5',
    payment: { state: 'paid', order_id: '01ORDER', amount_fen: 1500, paid_at: '2026-09-17T01:00:00Z', refunded_at: null },
    created_at: '2026-09-17T01:00:00Z', cancelled_at: null, cancel_reason: null, missed_at: null, can_cancel: true, cancel_by: '2026-09-17T16:00:00Z', ...overrides,
  }
}

export function sampleBirth(overrides: Partial<Birth> = {}): Birth {
  return {
    id: '01BIRTH', state: 'noted', hospital: '市妇幼保健院', born_at: '2026-11-18T01:20:00Z', sex: 'female', weight_g: 3200, order: 1, of: 1,
    father: '李*', mother: '陈**', ...overrides,
  }
}

export function sampleStep(overrides: Partial<Step> = {}): Step {
  return {
    code: 'birth_certificate', name: '出生医学证明', agency_name: '妇幼保健机构', state: 'waiting', corrects: [], needs: [], optional: false,
    receipt: '', due_at: null, ended_at: null, correct_by: null, stopping: false, problems: [], results: {}, result_names: {}, revoked: false, handover: null, ...overrides,
  }
}

export function sampleBirthPage(words: Partial<BirthPage['words']> = {}): BirthPage {
  return {
    limits: { name_least: 2, name_most: 6, name_most_with_dot: 20, other_name: 30, receiver: 30, address_least: 6, address: 100, account_least: 16, account: 19 },
    account_steps: ['maternity_claim'],
    words: {
      no_birth_hint: '一般出生后一两天由医院上传。', doubtful: '医院正在核对。', ok_hint: '填四小步。', single_hint: '要另传声明。', name_hint: '用规范汉字。',
      name_wrong: '请用汉字填写', household_hint: '和户口簿上一致。', father_hint: '不对的请联系医院。', bank_hint: '储蓄卡卡号。', bank_wrong: '请核对卡号',
      pickup_hint: '办好后告诉您在哪里取。', mail_hint: '邮政寄送。', address_hint: '写到门牌号。', address_empty: '请填写收件地址', paper_hint: '可以存下来、打印。',
      ask: '有疑问请问窗口。', ...words,
    },
  }
}

export function sampleHandover(overrides: Partial<Handover> = {}): Handover {
  return {
    what: '出生医学证明', state: 'ready', mailed: false, since: '2026-11-20T01:20:00Z', due_at: '2026-12-05T01:20:00Z', courier: '', tracking_no: '',
    place: '出生医院产科窗口', hours: '工作日8:00至17:00', bring: '母亲或父亲的身份证', code: '123456', pickup: 'BIRTH:F:birth_certificate:123456',
    may_claim: false, ...overrides,
  }
}

export function sampleReferral(overrides: Partial<Referral> = {}): Referral {
  const party = { organization_id: '01CLINIC', organization: '东关社区卫生服务中心', address: '东关街1号', phone: '0536-1', department: null, practitioner: '林晓' }
  return {
    id: '01REFERRAL', direction: 'up', urgency: 'routine', state: 'accepted', patient: { id: '01RESIDENT', name: '张*' },
    sender: party,
    receiver: { ...party, organization_id: '01ORGANIZATION', organization: '市人民医院', address: '广文街151号', practitioner: null },
    clinical: { reason: '胸痛三天', diagnoses: [], summary: '', discharge_summary: '', plan: [] },
    place: {
      expected_at: '2026-09-18T00:10:00Z', department: '心内科', where: '门诊楼3层', practitioner: '王建国', number: 3, bed: '', bring: '身份证', lost: false,
    },
    transport: null, asked: '', wish: '', reject_reason: null, outcome: null, outcome_text: '', created_at: '2026-09-17T01:00:00Z',
    follows: null, followed_by: null,
    history: [
      { event: 'send', at: '2026-09-17T01:00:00Z', text: '' },
      { event: 'escalate', at: '2026-09-17T02:00:00Z', text: '' },
      { event: 'accept', at: '2026-09-17T03:00:00Z', text: '' },
    ],
    can: ['wish', 'withdraw'], ...overrides,
  }
}
