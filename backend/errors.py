"""The one registry of errors: each code with its HTTP status and the text a user reads.

`ErrorCode` is part of the API contract: a code is never renamed or reused. The text says what to do next;
what the log needs goes into `AppError.log` and never reaches the user.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class ErrorCode(StrEnum):
    """Every code an answer may carry."""

    # Any request
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 a code, not a password
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    IDEMPOTENCY_KEY_INVALID = "IDEMPOTENCY_KEY_INVALID"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    # Signing in and being oneself
    PHONE_INVALID = "PHONE_INVALID"
    PHONE_TAKEN = "PHONE_TAKEN"
    CODE_WRONG = "CODE_WRONG"
    CODE_TOO_MANY_ATTEMPTS = "CODE_TOO_MANY_ATTEMPTS"
    LOGIN_TICKET_INVALID = "LOGIN_TICKET_INVALID"
    IDENTITY_NEEDED = "IDENTITY_NEEDED"
    IDENTITY_WRONG = "IDENTITY_WRONG"
    WECHAT_REFUSED = "WECHAT_REFUSED"
    REFRESH_REUSED = "REFRESH_REUSED"
    ID_NUMBER_INVALID = "ID_NUMBER_INVALID"
    NAME_INVALID = "NAME_INVALID"
    REAL_NAME_MISMATCH = "REAL_NAME_MISMATCH"
    REAL_NAME_REQUIRED = "REAL_NAME_REQUIRED"
    REAL_NAME_TAKEN = "REAL_NAME_TAKEN"
    REAL_NAME_DONE = "REAL_NAME_DONE"
    REGISTER_UNAVAILABLE = "REGISTER_UNAVAILABLE"
    ACCOUNT_HAS_APPOINTMENTS = "ACCOUNT_HAS_APPOINTMENTS"
    PATIENT_LIMIT = "PATIENT_LIMIT"
    PATIENT_EXISTS = "PATIENT_EXISTS"
    PATIENT_PENDING = "PATIENT_PENDING"
    RELATION_NOT_CONFIRMED = "RELATION_NOT_CONFIRMED"
    # Health codes
    CODE_UNREADABLE = "CODE_UNREADABLE"
    CODE_EXPIRED = "CODE_EXPIRED"
    CODE_FORGED = "CODE_FORGED"
    CODE_WRONG_CITY = "CODE_WRONG_CITY"
    CODE_REVOKED = "CODE_REVOKED"
    CODE_REPLAYED = "CODE_REPLAYED"
    CODE_NOT_ALLOWED_FOR_STEP = "CODE_NOT_ALLOWED_FOR_STEP"
    CODE_SECOND_FACTOR = "CODE_SECOND_FACTOR"
    # Schedules and booking
    SCHEDULE_NOT_FOUND = "SCHEDULE_NOT_FOUND"
    SCHEDULE_INVALID = "SCHEDULE_INVALID"
    SCHEDULE_HAS_BOOKINGS = "SCHEDULE_HAS_BOOKINGS"
    SCHEDULE_STOPPED = "SCHEDULE_STOPPED"
    SCHEDULE_NOT_OPEN = "SCHEDULE_NOT_OPEN"
    SLOT_TAKEN = "SLOT_TAKEN"
    SLOT_PAST = "SLOT_PAST"
    SLOT_RESERVED = "SLOT_RESERVED"
    SLOT_NOT_FOUND = "SLOT_NOT_FOUND"
    SOLD_OUT = "SOLD_OUT"
    ALREADY_BOOKED = "ALREADY_BOOKED"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    APPOINTMENT_NOT_CANCELLABLE = "APPOINTMENT_NOT_CANCELLABLE"
    APPOINTMENT_NOT_MISSED = "APPOINTMENT_NOT_MISSED"
    # Money
    PAYMENT_NOT_DUE = "PAYMENT_NOT_DUE"
    PAYMENT_METHOD_UNAVAILABLE = "PAYMENT_METHOD_UNAVAILABLE"
    PAYMENT_REFUSED = "PAYMENT_REFUSED"
    PAYMENT_UNKNOWN = "PAYMENT_UNKNOWN"
    REFUND_REFUSED = "REFUND_REFUSED"
    NOTICE_INVALID = "NOTICE_INVALID"
    # Messages
    MESSAGE_NOT_RESENDABLE = "MESSAGE_NOT_RESENDABLE"
    # The record
    RESOURCE_INVALID = "RESOURCE_INVALID"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    # Records
    RECORD_ACCESS_DENIED = "RECORD_ACCESS_DENIED"
    PRACTITIONER_UNKNOWN = "PRACTITIONER_UNKNOWN"
    LAUNCH_ENDED = "LAUNCH_ENDED"
    # Images
    IMAGE_UNREADABLE = "IMAGE_UNREADABLE"
    IMAGE_NOT_DISPLAYABLE = "IMAGE_NOT_DISPLAYABLE"
    MEASUREMENT_INVALID = "MEASUREMENT_INVALID"
    LINK_PASSCODE_WRONG = "LINK_PASSCODE_WRONG"
    # Recognition and medication
    DECISION_CLOSED = "DECISION_CLOSED"
    # Referrals
    REFERRAL_STATE = "REFERRAL_STATE"
    REFERRAL_OPEN = "REFERRAL_OPEN"
    REFERRAL_NO_RECEIVER = "REFERRAL_NO_RECEIVER"
    # Births
    BIRTH_NOT_FILEABLE = "BIRTH_NOT_FILEABLE"
    MATERIAL_UNFIT = "MATERIAL_UNFIT"
    # Staff
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"
    CSRF_FAILED = "CSRF_FAILED"
    PASSWORD_WEAK = "PASSWORD_WEAK"  # noqa: S105 a code, not a password
    LOGIN_TAKEN = "LOGIN_TAKEN"
    REASON_REQUIRED = "REASON_REQUIRED"


class ErrorKind(NamedTuple):
    """HTTP status and the user's text of one code."""

    status: int
    text: str


ERRORS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.BAD_REQUEST: ErrorKind(400, "提交的内容有误，请检查后再试。"),
    ErrorCode.UNAUTHENTICATED: ErrorKind(401, "请先登录。"),
    ErrorCode.TOKEN_EXPIRED: ErrorKind(401, "登录已过期，请重新登录。"),
    ErrorCode.FORBIDDEN: ErrorKind(403, "您没有权限进行这项操作。"),
    ErrorCode.NOT_FOUND: ErrorKind(404, "没有找到您要的内容。"),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(405, "不支持这种请求方式。"),
    ErrorCode.CONFLICT: ErrorKind(409, "内容已被更新，请刷新后再试。"),
    ErrorCode.BODY_TOO_LARGE: ErrorKind(413, "提交的内容太大。"),
    ErrorCode.RATE_LIMITED: ErrorKind(429, "操作太频繁，请稍后再试。"),
    ErrorCode.IDEMPOTENCY_KEY_INVALID: ErrorKind(400, "请求标识有误，请重新提交。"),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: ErrorKind(409, "这个请求标识已用于另一个请求，请重新提交。"),
    ErrorCode.INTERNAL: ErrorKind(500, "系统出了点问题，请稍后再试。"),
    ErrorCode.UNAVAILABLE: ErrorKind(503, "系统繁忙，请稍后再试；您的请求可以放心重复提交。"),
    ErrorCode.PHONE_INVALID: ErrorKind(400, "手机号不正确，请输入11位手机号。"),
    ErrorCode.PHONE_TAKEN: ErrorKind(409, "该手机号已有账号，请直接用该手机号登录。"),
    ErrorCode.CODE_WRONG: ErrorKind(400, "验证码不正确或已过期，请重新输入或重新获取。"),
    ErrorCode.CODE_TOO_MANY_ATTEMPTS: ErrorKind(429, "验证码错误次数过多，请重新获取。"),
    ErrorCode.LOGIN_TICKET_INVALID: ErrorKind(400, "登录已失效，请重新登录。"),
    ErrorCode.IDENTITY_NEEDED: ErrorKind(403, "该手机号的账号很久没有使用，请核对身份后登录。"),
    ErrorCode.IDENTITY_WRONG: ErrorKind(403, "身份证号后四位不正确，请核对后重新输入。"),
    ErrorCode.WECHAT_REFUSED: ErrorKind(400, "微信登录没有成功，请重试。"),
    ErrorCode.REFRESH_REUSED: ErrorKind(401, "登录状态异常，为了您的安全请重新登录。"),
    ErrorCode.ID_NUMBER_INVALID: ErrorKind(400, "身份证号不正确，请核对后重新输入。"),
    ErrorCode.NAME_INVALID: ErrorKind(400, "姓名不正确，请按身份证上的姓名填写。"),
    ErrorCode.REAL_NAME_MISMATCH: ErrorKind(400, "姓名与身份证号不一致，请核对后重新输入。"),
    ErrorCode.REAL_NAME_REQUIRED: ErrorKind(403, "请先完成实名认证。"),
    ErrorCode.REAL_NAME_TAKEN: ErrorKind(409, "该身份证号已在其他账号实名，请用原账号登录或到医院窗口办理。"),
    ErrorCode.REAL_NAME_DONE: ErrorKind(409, "您已完成实名认证，如需更正请到医院窗口办理。"),
    ErrorCode.REGISTER_UNAVAILABLE: ErrorKind(503, "实名核验暂时无法使用，请稍后再试。"),
    ErrorCode.ACCOUNT_HAS_APPOINTMENTS: ErrorKind(409, "您还有未就诊的预约，请先取消预约再注销账号。"),
    ErrorCode.PATIENT_LIMIT: ErrorKind(409, "最多可添加6位就诊人。"),
    ErrorCode.PATIENT_EXISTS: ErrorKind(409, "该就诊人已添加。"),
    ErrorCode.PATIENT_PENDING: ErrorKind(409, "该就诊人尚未同意，请等待对方确认。"),
    ErrorCode.RELATION_NOT_CONFIRMED: ErrorKind(409, "未能确认亲属关系，请到医院窗口办理。"),
    ErrorCode.CODE_UNREADABLE: ErrorKind(400, "无法识别该码，请让居民刷新健康码后重扫。"),
    ErrorCode.CODE_EXPIRED: ErrorKind(410, "健康码已过期，请刷新后重扫。"),
    ErrorCode.CODE_FORGED: ErrorKind(400, "健康码校验不通过，请核对居民身份。"),
    ErrorCode.CODE_WRONG_CITY: ErrorKind(400, "这不是本市的健康码。"),
    ErrorCode.CODE_REVOKED: ErrorKind(410, "该码已停用，请让居民使用新的健康码。"),
    ErrorCode.CODE_REPLAYED: ErrorKind(409, "该码已被使用，请让居民刷新健康码。"),
    ErrorCode.CODE_NOT_ALLOWED_FOR_STEP: ErrorKind(403, "该码不能用于此环节，请使用动态健康码。"),
    ErrorCode.CODE_SECOND_FACTOR: ErrorKind(403, "请核对居民身份证后四位后再试。"),
    ErrorCode.SCHEDULE_NOT_FOUND: ErrorKind(404, "没有找到该排班，请刷新后重新选择。"),
    ErrorCode.SCHEDULE_INVALID: ErrorKind(400, "排班内容有误，请按提示修改后重新发布。"),
    ErrorCode.SCHEDULE_HAS_BOOKINGS: ErrorKind(409, "该排班已有预约，不能去掉已约出的号。"),
    ErrorCode.SCHEDULE_STOPPED: ErrorKind(409, "该医生已停诊，请选择其他时间。"),
    ErrorCode.SCHEDULE_NOT_OPEN: ErrorKind(409, "该日期尚未放号，请稍后再来。"),
    ErrorCode.SLOT_TAKEN: ErrorKind(409, "这个号刚被约走了，请选择其他时间。"),
    ErrorCode.SLOT_PAST: ErrorKind(409, "就诊时间已过，请选择其他时间。"),
    ErrorCode.SLOT_RESERVED: ErrorKind(409, "这个号为其他渠道保留，请选择其他时间。"),
    ErrorCode.SLOT_NOT_FOUND: ErrorKind(404, "没有这个号，请刷新后重新选择。"),
    ErrorCode.SOLD_OUT: ErrorKind(409, "号已约满，请选择其他时间或其他医生。"),
    ErrorCode.ALREADY_BOOKED: ErrorKind(409, "该就诊人当天在本科室已有预约。"),
    ErrorCode.HOLD_EXPIRED: ErrorKind(409, "锁号已到期，请重新选择。"),
    ErrorCode.APPOINTMENT_NOT_CANCELLABLE: ErrorKind(409, "该预约已不能取消，请联系医院。"),
    ErrorCode.APPOINTMENT_NOT_MISSED: ErrorKind(
        409, "只有已到就诊时间、仍有效的预约才能记为未到诊。请核对预约状态和时间。"
    ),
    ErrorCode.PAYMENT_NOT_DUE: ErrorKind(409, "该预约现在不需要支付。"),
    ErrorCode.PAYMENT_METHOD_UNAVAILABLE: ErrorKind(400, "暂不支持这种支付方式，请换一种。"),
    ErrorCode.PAYMENT_REFUSED: ErrorKind(409, "支付没有成功，请重试。"),
    ErrorCode.PAYMENT_UNKNOWN: ErrorKind(503, "正在确认支付结果，请稍候，不要重复支付。"),
    ErrorCode.REFUND_REFUSED: ErrorKind(409, "退款没有成功，工作人员会尽快处理。"),
    ErrorCode.NOTICE_INVALID: ErrorKind(401, "通知验签失败。"),
    ErrorCode.MESSAGE_NOT_RESENDABLE: ErrorKind(409, "这条消息不能重发。"),
    ErrorCode.RESOURCE_INVALID: ErrorKind(422, "提交的诊疗数据不符合要求，请按提示修改后再提交。"),
    ErrorCode.VERSION_CONFLICT: ErrorKind(412, "数据已有新版本，请读取最新版本后再提交。"),
    ErrorCode.RECORD_ACCESS_DENIED: ErrorKind(
        403,
        "没有调阅该患者病历的依据。请先由患者授权，或待患者挂号、签到后调阅；抢救等紧急情况可说明原因紧急调阅。",
    ),
    ErrorCode.MEASUREMENT_INVALID: ErrorKind(422, "测量值不在可能的范围内，请核对后再填。"),
    ErrorCode.LINK_PASSCODE_WRONG: ErrorKind(401, "口令不正确，请向分享人核对。"),
    ErrorCode.IMAGE_UNREADABLE: ErrorKind(400, "影像文件无法读取，请检查格式后重新上传。"),
    ErrorCode.IMAGE_NOT_DISPLAYABLE: ErrorKind(
        406, "这幅影像的压缩格式不能在线显示，请下载原文件后用专业软件查看。"
    ),
    ErrorCode.PRACTITIONER_UNKNOWN: ErrorKind(400, "请填写本院已登记的医生工号后再试。"),
    ErrorCode.LAUNCH_ENDED: ErrorKind(410, "调阅窗口已失效，请在医生工作站重新打开。"),
    ErrorCode.DECISION_CLOSED: ErrorKind(409, "已超过登记或更改决定的时间，原来的记录保留不变。"),
    ErrorCode.REFERRAL_STATE: ErrorKind(409, "这份转诊已有新的进展，不能这样办理，请刷新后再看。"),
    ErrorCode.REFERRAL_OPEN: ErrorKind(409, "该患者转往这家机构的转诊还没有结束，请在原来的转诊上继续办理。"),
    ErrorCode.REFERRAL_NO_RECEIVER: ErrorKind(
        409, "没有找到可以接收急救转诊的机构，请直接指定接收机构，或拨打急救电话。"
    ),
    ErrorCode.BIRTH_NOT_FILEABLE: ErrorKind(422, "现在还不能提交，请按提示补充或更正后再试。"),
    ErrorCode.MATERIAL_UNFIT: ErrorKind(422, "这个文件不能作为材料，请上传清晰的JPG、PNG照片或PDF文件。"),
    ErrorCode.SIGN_IN_FAILED: ErrorKind(401, "账号、密码或动态口令不正确。"),
    ErrorCode.ACCOUNT_LOCKED: ErrorKind(423, "账号已锁定，请15分钟后再试或联系管理员。"),
    ErrorCode.CSRF_FAILED: ErrorKind(403, "页面已过期，请刷新后重试。"),
    ErrorCode.PASSWORD_WEAK: ErrorKind(400, "密码太简单，请至少用12位，并避免常见密码。"),
    ErrorCode.LOGIN_TAKEN: ErrorKind(409, "该登录名已被使用。"),
    ErrorCode.REASON_REQUIRED: ErrorKind(400, "请填写原因。"),
}


class AppError(Exception):
    """What services raise. `log` is for the log only; `data` travels in the answer: no personal data."""

    def __init__(
        self, code: ErrorCode, log: str = "", *, data: dict[str, Any] | None = None, text: str | None = None
    ) -> None:
        super().__init__(f"{code}: {log}" if log else str(code))
        self.code = code
        self.log = log
        self.data = data or {}
        self.text = text or ERRORS[code].text

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return ERRORS[self.code].status

    def body(self, request_id: str) -> dict[str, Any]:
        """The one JSON form of an error (`design.md` §5)."""
        return {
            "error": {"code": self.code, "message": self.text, "data": self.data, "request_id": request_id}
        }


def not_found(log: str = "") -> AppError:
    """Somebody else's object looks just like one that does not exist."""
    return AppError(ErrorCode.NOT_FOUND, log)
