// A sentence for every error: what happened and what to do. Server codes are those of backend/errors.py
// (a test compares the two); a code not listed here falls back to the server's own message.

export const serverErrors: Record<string, string> = {
  BAD_REQUEST: '提交的内容有误，请检查后再试。',
  UNAUTHENTICATED: '请先登录。',
  TOKEN_EXPIRED: '登录已过期，请重新登录。',
  FORBIDDEN: '您没有权限进行这项操作。',
  NOT_FOUND: '没有找到您要的内容，可能已被删除。',
  METHOD_NOT_ALLOWED: '不支持这项操作，请更新后再试。',
  CONFLICT: '内容已经变化，请刷新后再试。',
  BODY_TOO_LARGE: '提交的内容太大。',
  RATE_LIMITED: '操作太频繁，请稍后再试。',
  IDEMPOTENCY_KEY_REUSED: '内容已经变化，请再提交一次。',
  IDEMPOTENCY_KEY_INVALID: '请求标识有误，请返回后重新操作。',
  INTERNAL: '系统出了点问题，请稍后再试。',
  UNAVAILABLE: '系统繁忙，请稍后再试；可以放心重复提交。',
  PHONE_INVALID: '手机号不正确，请输入11位手机号。',
  PHONE_TAKEN: '该手机号已有账号，请直接用该手机号登录。',
  CODE_WRONG: '验证码不正确或已过期，请重新输入或重新获取。',
  CODE_TOO_MANY_ATTEMPTS: '验证码错误次数过多，请重新获取。',
  LOGIN_TICKET_INVALID: '登录已失效，请重新登录。',
  WECHAT_REFUSED: '微信登录没有成功，请重试。',
  REFRESH_REUSED: '登录状态异常，为了您的安全请重新登录。',
  ID_NUMBER_INVALID: '身份证号不正确，请核对后重新输入。',
  NAME_INVALID: '姓名不正确，请按身份证上的姓名填写。',
  REAL_NAME_MISMATCH: '姓名与身份证号不一致，请核对后重新输入。',
  REAL_NAME_REQUIRED: '请先完成实名认证。',
  REAL_NAME_TAKEN: '该身份证号已在其他账号实名，请用原账号登录，或到医院窗口办理。',
  REAL_NAME_DONE: '您已完成实名认证，如需更正请到医院窗口办理。',
  REGISTER_UNAVAILABLE: '实名核验暂时无法使用，请稍后再试。',
  ACCOUNT_HAS_APPOINTMENTS: '您还有未就诊的预约，请先取消预约再注销账号。',
  PATIENT_LIMIT: '最多可添加6位就诊人。',
  PATIENT_EXISTS: '这位就诊人已经添加过了。',
  PATIENT_PENDING: '这位就诊人还没有同意，请等待对方确认。',
  RELATION_NOT_CONFIRMED: '未能确认亲属关系，请带证件到医院窗口办理。',
  CODE_UNREADABLE: '无法识别该码，请刷新健康码后重扫。',
  CODE_EXPIRED: '健康码已过期，请刷新后重扫。',
  CODE_FORGED: '健康码校验不通过。',
  CODE_WRONG_CITY: '这不是本市的健康码。',
  CODE_REVOKED: '该码已停用，请使用新的健康码。',
  CODE_REPLAYED: '该码已被使用，请刷新健康码。',
  CODE_NOT_ALLOWED_FOR_STEP: '该码不能用于此环节，请出示动态健康码。',
  CODE_SECOND_FACTOR: '请出示身份证，由窗口核对后再试。',
  SCHEDULE_NOT_FOUND: '没有找到该排班，请返回重新选择。',
  SCHEDULE_INVALID: '排班内容有误。',
  SCHEDULE_HAS_BOOKINGS: '该排班已有预约。',
  SCHEDULE_STOPPED: '该医生已停诊，请选择其他时间。',
  SCHEDULE_NOT_OPEN: '该日期还没有放号，请稍后再来。',
  SLOT_TAKEN: '这个号刚被约走了，请选择其他时间。',
  SLOT_PAST: '就诊时间已过，请选择其他时间。',
  SLOT_RESERVED: '这个号是为其他渠道保留的，请选择其他时间。',
  SLOT_NOT_FOUND: '没有这个号，请返回重新选择。',
  SOLD_OUT: '号已约满，请选择其他时间或其他医生。',
  ALREADY_BOOKED: '这位就诊人当天在本科室已有预约。',
  HOLD_EXPIRED: '保留时间已到，号已放回，请重新选择。',
  APPOINTMENT_NOT_CANCELLABLE: '该预约已不能取消，请联系医院。',
  PAYMENT_NOT_DUE: '该预约现在不需要支付。',
  PAYMENT_METHOD_UNAVAILABLE: '暂不支持这种支付方式，请换一种。',
  PAYMENT_REFUSED: '支付没有成功，请重试。',
  PAYMENT_UNKNOWN: '正在确认支付结果，请稍候，不要重复支付。',
  REFUND_REFUSED: '退款没有成功，工作人员会尽快处理。',
  NOTICE_INVALID: '通知验签失败。',
  MESSAGE_NOT_RESENDABLE: '这条消息不能重发。',
  SIGN_IN_FAILED: '账号、密码或动态口令不正确。',
  ACCOUNT_LOCKED: '账号已锁定，请稍后再试。',
  CSRF_FAILED: '页面已过期，请刷新后重试。',
  PASSWORD_WEAK: '密码太简单。',
  LOGIN_TAKEN: '该登录名已被使用。',
  REASON_REQUIRED: '请填写原因。',
}

/** Failures on the phone's side. */
export const clientErrors = {
  NETWORK: '网络不通，请检查网络后再试。',
  TIMEOUT: '网络太慢，没有等到回答，请再试一次。',
  SERVER_AWAY: '系统正在维护，请稍后再试。',
  BAD_ANSWER: '网络异常，请稍后再试。',
  UNEXPECTED: '出了点问题，请返回后再试一次。',
} as const

/** The sentence for a code; `data` may say it more exactly. */
export function errorText(code: string, serverMessage?: string, data: Record<string, unknown> = {}): string {
  const wait = data.retry_after_s
  if (code === 'RATE_LIMITED' && typeof wait === 'number') return `操作太频繁，请${String(Math.ceil(wait))}秒后再试。`
  const known = serverErrors[code] ?? (clientErrors as Record<string, string>)[code]
  return known ?? serverMessage ?? clientErrors.UNEXPECTED
}
