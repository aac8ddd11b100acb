"""What Aliyun's error codes mean for a message: `isv.` and `isp.` are the product's, others the gateway's.

As published for mainland messages; a code that is not here is judged by its beginning and its HTTP status.
"""

from __future__ import annotations

from notify.base import doubt
from notify.ports import NotifyError, RejectedError, RejectReason, RetryableError, ThrottledError

_RECIPIENT, _CONTENT = RejectReason.BAD_RECIPIENT, RejectReason.BAD_CONTENT
_MISCONFIGURED = RejectReason.MISCONFIGURED

REJECT_REASONS: dict[str, RejectReason] = {
    "isv.MOBILE_NUMBER_ILLEGAL": _RECIPIENT,
    "isv.CUSTOMER_REFUSED": _RECIPIENT,
    # Older lists: a parameter holds a forbidden word; newer ones: the number is barred.
    "isv.BLACK_KEY_CONTROL_LIMIT": _RECIPIENT,
    "isv.PARAM_LENGTH_LIMIT": _CONTENT,
    "isv.PARAM_NOT_SUPPORT_URL": _CONTENT,
    "isv.INVALID_JSON_PARAM": _CONTENT,
    "isv.TEMPLATE_PARAMS_ILLEGAL": _CONTENT,
    "isv.SMS_CONTENT_ILLEGAL": _CONTENT,
    "isv.UNSUPPORTED_CONTENT": _CONTENT,
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": _CONTENT,
    # From here on it is our account, our settings or our clock: the message goes out when that is put right.
    "isv.TEMPLATE_MISSING_PARAMETERS": _MISCONFIGURED,
    "isv.SMS_TEMPLATE_ILLEGAL": _MISCONFIGURED,
    "isv.SMS_SIGNATURE_ILLEGAL": _MISCONFIGURED,
    "isv.SMS_SIGN_ILLEGAL": _MISCONFIGURED,
    "isv.SIGN_NAME_ILLEGAL": _MISCONFIGURED,
    "isv.SIGN_STATE_ILLEGAL": _MISCONFIGURED,
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": _MISCONFIGURED,
    "isv.EXTEND_CODE_ERROR": _MISCONFIGURED,
    "isv.OUT_OF_SERVICE": _MISCONFIGURED,
    "isv.AMOUNT_NOT_ENOUGH": _MISCONFIGURED,
    "isv.PRODUCT_UN_SUBSCRIPT": _MISCONFIGURED,
    "isv.PRODUCT_UNSUBSCRIBE": _MISCONFIGURED,
    "isv.ACCOUNT_NOT_EXISTS": _MISCONFIGURED,
    "isv.ACCOUNT_ABNORMAL": _MISCONFIGURED,
    "isv.DENY_IP_RANGE": _MISCONFIGURED,
    "isp.RAM_PERMISSION_DENY": _MISCONFIGURED,
    "SignatureDoesNotMatch": _MISCONFIGURED,
}
THROTTLED = frozenset({"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"})
# Aliyun's own trouble, told after it had our message. A nonce that was used before can only be our very
# request once more, repeated by something between us: its first copy may have been sent or not.
DOUBTFUL = frozenset({"isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "InternalError", "SignatureNonceUsed"})
# How the gateway's complaints about the form of a request begin.
_FORM_COMPLAINTS = ("Missing", "Invalid", "Unsupported", "Incomplete", "Illegal", "Forbidden")


def error_of(code: str, status: int, *, read: bool) -> NotifyError:
    """The error a code stands for."""
    if code in THROTTLED or code.startswith("Throttling"):
        return ThrottledError(code)
    if code == "ServiceUnavailable":
        return RetryableError(code)
    if code in DOUBTFUL or (status >= 500 and code not in REJECT_REASONS):
        return doubt(read=read)(code)
    ours = code.startswith(_FORM_COMPLAINTS)
    return RejectedError(
        code, reason=REJECT_REASONS.get(code, _MISCONFIGURED if ours else RejectReason.OTHER)
    )
