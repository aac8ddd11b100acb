// What the pages about reading records say.
import type { Access, ConsentState } from '../services/records'

export const recordKindNames: Record<string, string> = {
  visit: '就诊', diagnosis: '诊断', medicine: '用药', allergy: '过敏', vaccination: '预防接种', procedure: '手术与操作',
  lab: '检验', imaging: '检查', measurement: '测量', document: '病历文书', order: '医嘱', other: '其他',
}

export const consentStateNames: Record<ConsentState, string> = {
  requested: '等您答复', granted: '生效中', denied: '已拒绝', revoked: '已撤回', expired: '已到期',
}

export const accessByNames: Record<Access['by'], string> = {
  self: '本人', guardian: '代办人', hospital: '医院', other: '其他',
}

export const consents = {
  whose: '选择为谁管理',
  lead: '您在一家医院的病历，其他医院的医生要看，须有您的授权，或您正在该院就诊。授权随时可以撤回，立即生效。',
  ask: (name: string) => `${name}申请查看`,
  yours: '您的授权',
  everybody: '全市医院',
  all: '全部资料',
  sensitive: '含特别敏感资料',
  what: '资料',
  who: '给谁看',
  purpose: '用途',
  why: '申请理由',
  period: '资料时间',
  since: (day: string) => `${day}以后`,
  until: (day: string) => `${day}以前`,
  between: (from: string, to: string) => `${from}至${to}`,
  expires: '有效期至',
  answerBy: '答复期限',
  grant: '同意',
  deny: '拒绝',
  revoke: '撤回授权',
  revokeAsk: '撤回后，对方立即不能再查看。已经看过的，会留在“谁看过我的病历”里。',
  denyAsk: '拒绝后，医院会看到您没有同意。您正在该院就诊的，不影响看病。',
  grantAsk: '同意后，对方可以按申请的范围查看，您随时可以撤回。',
  granted: '已同意',
  denied: '已拒绝',
  revoked: '已撤回',
  add: '主动授权',
  log: '谁看过我的病历',
  none: '还没有授权',
  noneHint: '医院申请查看您的病历时，会出现在这里。',
  bySms: '凭短信验证码授权',
  adult: '成年人的病历授权由本人决定。请本人登录办理，或在医院窗口凭短信验证码办理。',
}

export const grant = {
  lead: '选择让谁看、看什么、看多久。不确定时，用默认选项即可。',
  to: '给谁看',
  oneHospital: '选择医院',
  all: '全市医院',
  hospital: '医院',
  pick: '请选择医院',
  what: '看什么',
  everything: '全部资料',
  some: '只看一部分',
  days: '多久以前的资料',
  anyTime: '不限',
  lastYear: '近1年',
  threeYears: '近3年',
  howLong: '有效期',
  month: '30天',
  halfYear: '半年',
  year: '1年',
  sensitive: '包括特别敏感的资料',
  sensitiveHint: '如传染病、精神科记录。没有特别需要，建议不选。',
  submit: '确认授权',
  done: '授权已生效',
  noKinds: '请至少选择一类资料',
}

export const accesses = {
  lead: '每一次查看都记在不可更改的日志里。有疑问的，可以直接问医院。',
  others: '他人查看',
  everyone: '全部（含本人）',
  none: '还没有人查看过',
  noneHint: '医生查看您的病历后，会立即出现在这里。',
  unknown: '未写明姓名',
  why: '依据',
  what: '内容',
  purpose: '用途',
  items: (what: string, count: number) => `${what}，${String(count)}项`,
  ask: '询问医院',
  askTitle: '询问这次查看',
  askLead: '医院的隐私专员会在10天内答复，答复后短信告诉您。',
  question: '您的问题',
  placeholder: '例如：我当天没有在这家医院看病，为什么有人查看？',
  send: '提交',
  sent: '已提交，请等待医院答复',
  asked: '您问',
  answered: '医院答复',
  waiting: (day: string) => `医院会在${day}前答复`,
  emergency: '紧急',
}
