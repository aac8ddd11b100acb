// The words for the API's enumerations.
import type {
  AppointmentState, PaymentState, Period, Relation, ScheduleKind, Session, Sex, Slot,
} from '../services/types'

export const relationNames: Record<Relation, string> = {
  self: '本人', child: '子女', parent: '父母', spouse: '配偶', other: '其他',
}

/** How a guardian is related to me: the link is stored from the guardian's side. */
export const guardianNames: Record<Relation, string> = {
  self: '本人', child: '您的父母', parent: '您的子女', spouse: '您的配偶', other: '亲友',
}

export const sexNames: Record<Sex, string> = { male: '男', female: '女' }

export const periodNames: Record<Period, string> = {
  am: '上午', pm: '下午', evening: '晚间', night: '夜间', day: '全天',
}

export const kindNames: Record<ScheduleKind, string> = {
  general: '普通门诊', expert: '专家门诊', special: '专病门诊', vaccination: '预防接种',
}

export const sessionStateNames: Record<Session['state'], string> = {
  open: '可预约', full: '约满', stopped: '停诊', past: '已过',
}

export const slotStateNames: Record<Slot['state'], string> = {
  free: '可约', taken: '已约', reserved: '保留', past: '已过',
}

export const appointmentStateNames: Record<AppointmentState, string> = {
  held: '待确认', booked: '预约成功', cancelled: '已取消', expired: '已失效', stopped: '医院停诊', released: '已放弃',
}

export const paymentStateNames: Record<PaymentState, string> = {
  none: '免费', due: '待支付', paying: '支付确认中', paid: '已支付', closed: '未支付',
  refunding: '退款中', refunded: '已退款', refund_failed: '退款处理中',
}

/** What to say of the money under a cancelled or paid appointment. */
export const paymentStateNotes: Partial<Record<PaymentState, string>> = {
  paying: '正在向微信支付确认，请稍候，不要重复支付。',
  refunding: '退款已提交，一般几分钟到账，原路退回。',
  refunded: '已原路退回，请在支付账户查看。',
  refund_failed: '退款遇到问题，工作人员正在处理，款项不会丢失。',
}

export const deliveryChannelNames: Record<string, string> = { sms: '短信', wechat: '微信' }

export const deliveryStateNames: Record<string, string> = {
  due: '待发送', sending: '发送中', sent: '已发送', delivered: '已送达', failed: '未送达', unknown: '结果未知', skipped: '未发送',
}
