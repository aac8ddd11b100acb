// What the pages of referrals say: where to go, when, what to bring, whom to ask.
import type { Direction, NotDone, Outcome, ReferralEvent, ReferralState, RejectReason, TransportKind, Urgency } from '../services/referrals'

export const referralStateNames: Record<ReferralState, string> = {
  requested: '等待接收', returned: '补充资料中', accepted: '已接收', in_transit: '转运中', arrived: '已到达', treating: '诊治中',
  completed: '已完成', rejected: '对方不能接收', withdrawn: '已撤回', lapsed: '已失效', not_arrived: '未按时到达',
}

/** What it means for the patient, and what comes next. */
export const referralStateNotes: Record<ReferralState, string> = {
  requested: '已经发给对方医院，正在等答复。有结果会通知您。',
  returned: '对方医院需要更多资料，您的医生正在补充。',
  accepted: '对方医院已为您安排好，请按下面的时间和地点就诊。',
  in_transit: '正在前往对方医院。',
  arrived: '已经到达，请听从医院安排。',
  treating: '正在医院诊治。',
  completed: '这次转诊已经完成。',
  rejected: '对方医院暂时不能接收。您的医生会联系其他医院。',
  withdrawn: '这次转诊已经撤回，不用前往。',
  lapsed: '对方医院没有及时答复。您的医生会联系其他医院。',
  not_arrived: '医院没有等到您。还需要就诊的，请联系您的医生。',
}

export const placeLostNote = '原来的时间已经取消，医院正在重新安排，有结果会通知您，请先不要前往。'

export const directionNames: Record<Direction, string> = { up: '转往上级医院', down: '转回基层' }

export const urgencyNames: Record<Urgency, string> = { routine: '', urgent: '加急', emergency: '急救' }

export const transportNames: Record<TransportKind, string> = { ambulance: '救护车', own: '自行前往', escorted: '专人护送' }

export const outcomeNames: Record<Outcome, string> = {
  recovered: '治愈', improved: '好转', unchanged: '未愈', transferred: '转往其他医院', died: '死亡', other: '其他',
}

export const notDoneNames: Record<NotDone, string> = {
  not_reached: '没有联系上您', declined: '您不愿意', elsewhere: '在其他机构随访', not_needed: '病情变化，不再需要', died: '患者已死亡', other: '其他原因',
}

export const rejectReasonNames: Record<RejectReason, string> = {
  no_bed: '暂无床位或号源', no_capability: '不具备诊疗条件', not_indicated: '不需要转诊', incomplete: '资料不全', duplicate: '重复转诊', other: '其他原因',
}

/** The line of the history; an event that says nothing to the patient has none. */
export const referralEventNames: Partial<Record<ReferralEvent, string>> = {
  send: '医生发出转诊', ask_more: '对方医院要求补充资料', supplement: '医生补充了资料', accept: '对方医院已接收', reject: '对方医院不能接收',
  wish: '您希望改时间', rebook: '医院改了安排', depart: '已出发', arrive: '已到达', begin_treatment: '开始诊治', complete: '诊治完成',
  withdraw: '转诊已撤回', lapse: '转诊已失效', miss: '没有按时到达', redirect: '改转其他医院', close: '转诊已结束', identify: '登记了患者身份', follow_up: '登记了随访',
}

export const referrals = {
  empty: '还没有转诊',
  emptyHint: '医生为您办理转诊后，去哪里、几点到、带什么，都会显示在这里。',
  when: '到院时间',
  noTime: '时间待定',
  patient: '就诊人',
  hospital: '去哪里',
  address: '地址',
  department: '科室',
  place: '地点',
  bed: '接诊处',
  doctor: '医生',
  number: '号序',
  numberOf: (n: number) => `${String(n)}号`,
  bring: '请携带',
  bringUsual: '身份证、病历资料和正在服用的药',
  ask: '有疑问问谁',
  sender: '转出医院',
  reason: '转诊原因',
  direction: '转诊方向',
  asked: '需要补充',
  rejected: '原因',
  outcome: '诊治结果',
  transport: '怎么去',
  vehicle: '车辆',
  crew: '随车电话',
  arrives: '预计到达',
  plan: '随访计划',
  planHint: '请按日期完成，如有不适随时就医。',
  planPast: '已过期',
  planDone: (day: string) => `已完成 ${day}`,
  planNotDone: (why: string) => `未完成：${why}`,
  summary: '出院小结',
  history: '办理经过',
  call: (name: string) => `打电话给${name}`,
  showCode: '出示健康码',
  wish: '希望改时间',
  wishLead: '写下您方便的时间，医院会尽量安排，改好后通知您。原来的时间暂时不变。',
  wishText: '您方便的时间',
  wishPlaceholder: '例如：周四下午，或下周一以后',
  wishSend: '提交',
  wished: '已告诉医院',
  wishing: (text: string) => `您希望：${text}。医院改好后会通知您。`,
  withdraw: '撤回转诊',
  withdrawAsk: '撤回后，对方医院不再等您，预留的号会让给别人。确定撤回吗？',
  withdrawn: '已撤回',
  next: '看接下来的转诊',
  before: '看之前的转诊',
  line: (from: string, to: string) => `${from} → ${to}`,
}
