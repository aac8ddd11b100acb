"""What Tencent Cloud's SMS error codes mean for a message.

As published for API 2021-01-11; codes are families (`LimitExceeded.…`), and a code that is not here is judged
by its family. All of them come with HTTP 200.
"""

from __future__ import annotations

from notify.base import doubt
from notify.ports import NotifyError, RejectedError, RejectReason, RetryableError, ThrottledError

_RECIPIENT, _CONTENT = RejectReason.BAD_RECIPIENT, RejectReason.BAD_CONTENT
_MISCONFIGURED = RejectReason.MISCONFIGURED

REJECT_REASONS: dict[str, RejectReason] = {
    "InvalidParameterValue.IncorrectPhoneNumber": _RECIPIENT,
    "FailedOperation.PhoneNumberInBlacklist": _RECIPIENT,
    "MissingParameter.EmptyPhoneNumberSet": _RECIPIENT,
    "UnsupportedOperation.UnsupportedRegion": _RECIPIENT,
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": _RECIPIENT,
    "InvalidParameterValue.ContentLengthLimit": _CONTENT,
    "InvalidParameterValue.TemplateParameterFormatError": _CONTENT,
    "InvalidParameterValue.TemplateParameterLengthLimit": _CONTENT,
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": _CONTENT,
    "FailedOperation.ContainSensitiveWord": _CONTENT,
    # Outside 8:00 to 22:00; who sends such messages keeps quiet hours himself.
    "FailedOperation.MarketingSendTimeConstraint": RejectReason.OTHER,
    "LimitExceeded.PhoneNumberCountLimit": RejectReason.OTHER,
    # From here on it is our account, our settings or our clock: the message goes out when that is put right.
    "FailedOperation.SignatureIncorrectOrUnapproved": _MISCONFIGURED,
    "FailedOperation.TemplateIncorrectOrUnapproved": _MISCONFIGURED,
    "FailedOperation.TemplateUnapprovedOrNotExist": _MISCONFIGURED,
    "FailedOperation.TemplateIdNotExist": _MISCONFIGURED,
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": _MISCONFIGURED,
    "FailedOperation.InsufficientBalanceInSmsPackage": _MISCONFIGURED,
    "FailedOperation.FailResolvePacket": _MISCONFIGURED,
    "FailedOperation.JsonParseFail": _MISCONFIGURED,
    "InvalidParameterValue.SdkAppIdNotExist": _MISCONFIGURED,
    "InternalError.RequestTimeException": _MISCONFIGURED,
    "InternalError.RestApiInterfaceNotExist": _MISCONFIGURED,
    "InternalError.SigFieldMissing": _MISCONFIGURED,
    "InternalError.SigVerificationFail": _MISCONFIGURED,
}
# AuthFailure.RequestLimitExceeded is the one failure of authority that only asks for patience.
_THROTTLED = ("LimitExceeded", "RequestLimitExceeded", "AuthFailure.RequestLimitExceeded")
_AWAY = ("ServiceUnavailable", "ResourceUnavailable")
_OURS = (
    "AuthFailure", "UnauthorizedOperation", "InvalidAction", "InvalidParameter", "InvalidRequest",
    "MissingParameter", "UnknownParameter", "NoSuchProduct", "NoSuchVersion", "UnsupportedProtocol",
    "UnsupportedRegion", "ResourceInsufficient", "IpInBlacklist", "IpNotInWhitelist", "ActionOffline",
)  # fmt: skip


def _is_of(code: str, families: tuple[str, ...]) -> bool:
    return any(code == family or code.startswith(f"{family}.") for family in families)


def error_of(code: str, *, read: bool) -> NotifyError:
    """The error a code stands for."""
    if code in REJECT_REASONS:
        return RejectedError(code, reason=REJECT_REASONS[code])
    if _is_of(code, _THROTTLED):
        return ThrottledError(code)
    if _is_of(code, _AWAY):
        return RetryableError(code)
    if _is_of(code, ("InternalError",)):
        # Tencent's own trouble or time-out, told after it had our message.
        return doubt(read=read)(code)
    # `InvalidParameterValue` by itself may be anything, so it is no family of ours.
    return RejectedError(code, reason=_MISCONFIGURED if _is_of(code, _OURS) else RejectReason.OTHER)
