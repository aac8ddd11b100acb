"""Tencent Cloud SMS: sending, pulling, and how its reports and replies look."""

from __future__ import annotations

import re
from typing import Any

from sandbox.people import PHONE
from sandbox.sms_cloud import (
    DAY_S,
    HOUR_S,
    Limit,
    Record,
    SMSCloud,
    china_time,
    says_result_zero,
)
from sandbox.sms_templates import CloudTemplate
from sandbox.state import new_token
from sandbox.tencent_wire import TencentError, TencentHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

MOST_PHONES = 200
LONGEST_TEXT = 500
HALF_MINUTE_S = 30.0
# The names are published; the numbers are each customer's own to set, and these are Tencent's defaults as
# remembered (not verified). What is no code is limited by the day only.
LIMITS = {
    "code": (
        Limit(1, HALF_MINUTE_S, "LimitExceeded.PhoneNumberThirtySecondLimit"),
        Limit(5, HOUR_S, "LimitExceeded.PhoneNumberOneHourLimit"),
        Limit(10, DAY_S, "LimitExceeded.PhoneNumberDailyLimit"),
    ),
    "notice": (Limit(50, DAY_S, "LimitExceeded.PhoneNumberDailyLimit"),),
}
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_CODE = re.compile(r"[0-9]{0,6}", re.ASCII)
_TEXTS = ("SmsSdkAppId", "TemplateId", "SignName", "ExtendCode", "SessionContext", "SenderId", "PhoneNumber")
_LISTS = ("PhoneNumberSet", "TemplateParamSet")
_NUMBERS = ("Limit", "Offset", "BeginTime", "EndTime")
KNOWN = {
    "SendSms": {
        "PhoneNumberSet", "SmsSdkAppId", "TemplateId", "SignName", "TemplateParamSet", "ExtendCode",
        "SessionContext", "SenderId",
    },
    "PullSmsSendStatus": {"Limit", "SmsSdkAppId"},
    "PullSmsReplyStatus": {"Limit", "SmsSdkAppId"},
    "PullSmsSendStatusByPhoneNumber": {
        "BeginTime", "Offset", "Limit", "PhoneNumber", "SmsSdkAppId", "EndTime",
    },
}  # fmt: skip
NEEDED = {
    "SendSms": ("PhoneNumberSet", "SmsSdkAppId", "TemplateId"),
    "PullSmsSendStatus": ("Limit", "SmsSdkAppId"),
    "PullSmsReplyStatus": ("Limit", "SmsSdkAppId"),
    "PullSmsSendStatusByPhoneNumber": ("BeginTime", "Offset", "Limit", "PhoneNumber", "SmsSdkAppId"),
}


def _check_form(action: str, params: dict[str, Any]) -> None:
    if set(params) - KNOWN[action]:
        raise TencentError("UnknownParameter")
    if any(name not in params for name in NEEDED[action]):
        raise TencentError("MissingParameter")
    for name, value in params.items():
        fits = (
            (name in _TEXTS and isinstance(value, str))
            or (name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool) and value >= 0)
            or (name in _LISTS and isinstance(value, list) and all(isinstance(one, str) for one in value))
        )
        if not fits:
            raise TencentError("InvalidParameter")


class CallHandler(TencentHandler):
    """POST /: the action stands in a header."""

    cloud: SMSCloud

    def initialize(self, world: World, cloud: SMSCloud | None = None) -> None:
        super().initialize(world)
        if cloud is not None:
            self.cloud = cloud

    async def post(self) -> None:
        """Do what is asked."""
        action, params = self.call()
        if action not in KNOWN:
            raise TencentError("InvalidAction")
        _check_form(action, params)
        if params["SmsSdkAppId"] != self.cloud.account["sdk_app_id"]:
            raise TencentError("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        if action == "SendSms":
            self._send(params)
        elif action == "PullSmsSendStatus":
            self.succeed(PullSmsSendStatusSet=self._pull("report", params))
        elif action == "PullSmsReplyStatus":
            self.succeed(PullSmsReplyStatusSet=self._pull("reply", params))
        else:
            self.succeed(PullSmsSendStatusSet=self._by_phone(params))

    def _send(self, params: dict[str, Any]) -> None:
        phones = params["PhoneNumberSet"]
        if not phones:
            raise TencentError("MissingParameter.EmptyPhoneNumberSet")
        if len(phones) > MOST_PHONES:
            raise TencentError("LimitExceeded.PhoneNumberCountLimit")
        self.succeed(SendStatusSet=[self._status(phone, params) for phone in phones])

    def _status(self, phone: str, params: dict[str, Any]) -> dict[str, Any]:
        """What becomes of one number: each is taken or refused by itself."""
        status = {
            "SerialNo": "",
            "PhoneNumber": phone,
            "Fee": 0,
            "SessionContext": params.get("SessionContext", ""),
            "IsoCode": "CN",
        }
        try:
            serial, segments = self._take(phone, params)
        except TencentError as refusal:
            return status | {"Code": str(refusal), "Message": f"sandbox: {refusal}"}
        return status | {"SerialNo": serial, "Fee": segments, "Code": "Ok", "Message": "send success"}

    def _take(self, phone: str, params: dict[str, Any]) -> tuple[str, int]:
        refused = self.world.switches.text("refuse_tencent")
        if refused:
            raise TencentError(refused)
        number = phone.removeprefix("+86")
        if phone == number or not PHONE.fullmatch(number):
            raise TencentError("InvalidParameterValue.IncorrectPhoneNumber")
        if params.get("SignName") != self.cloud.account["sign_name"]:
            raise TencentError("FailedOperation.SignatureIncorrectOrUnapproved")
        template = self.cloud.template(params["TemplateId"])
        if template is None:
            raise TencentError("FailedOperation.TemplateIncorrectOrUnapproved")
        text = _filled(template, params.get("TemplateParamSet", []))
        extension = params.get("ExtendCode", "")
        if extension and not (extension.isascii() and extension.isdigit()):
            # Which code a wrong extension really gets is not verified.
            raise TencentError("FailedOperation.FailResolvePacket")
        kind = "code" if template.is_code else "notice"
        exceeded = self.cloud.exceeded(number, LIMITS[kind], kind)
        if exceeded:
            raise TencentError(exceeded)
        serial = f"2640:{new_token(size=12)}"
        self.cloud.take(
            number, text, serial, add_serial=extension, reference=params.get("SessionContext", ""), kind=kind
        )
        return serial, -(-len(text) // 67)

    def _pull(self, kind: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        waiting, most = self.cloud.waiting(kind), min(params["Limit"], 100)
        taken, waiting[:] = waiting[:most], waiting[most:]
        self.world.keeper.changed()
        return [_pulled_report(one) if kind == "report" else _pulled_reply(one) for one in taken]

    def _by_phone(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if params["Offset"] != 0 or not 1 <= params["Limit"] <= 100:
            raise TencentError("InvalidParameterValue")
        begins, ends = params["BeginTime"], params.get("EndTime", self.world.now() + 1)
        if begins < self.world.now() - 8 * DAY_S:
            raise TencentError("InvalidParameterValue")
        found = [
            _pulled_report(record)
            for record in self.cloud.records(params["PhoneNumber"].removeprefix("+86"))
            if begins <= record["at"] <= ends and record["state"] != "submitted"
        ]
        return found[: params["Limit"]]


def _filled(template: CloudTemplate, values: list[str]) -> str:
    if len(values) != len(template.slots):
        raise TencentError("FailedOperation.TemplateParamSetNotMatchApprovedTemplate")
    if template.is_code and not all(_CODE.fullmatch(value) for value in values):
        raise TencentError("InvalidParameterValue.TemplateParameterFormatError")
    if any(_URL.search(value) for value in values):
        raise TencentError("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter")
    text = template.fill(dict(zip(template.slots, values, strict=True)))
    if len(text) > LONGEST_TEXT:
        raise TencentError("InvalidParameterValue.ContentLengthLimit")
    return text


def _report(record: Record) -> dict[str, Any]:
    failed = record["state"] == "failed"
    return {
        "user_receive_time": china_time(record["reported_at"]),
        "nationcode": "86",
        "mobile": record["phone"],
        "report_status": "FAIL" if failed else "SUCCESS",
        "errmsg": record["err_code"] or "DELIVRD",
        "description": "用户短信接收失败" if failed else "用户短信送达成功",
        "sid": record["msg_group"],
    }


def _pulled_report(record: Record) -> dict[str, Any]:
    pushed = _report(record)
    return {
        "UserReceiveTime": int(record["reported_at"]),
        "CountryCode": pushed["nationcode"],
        "SubscriberNumber": record["phone"],
        "PhoneNumber": f"+86{record['phone']}",
        "SerialNo": pushed["sid"],
        "ReportStatus": pushed["report_status"],
        "Description": pushed["description"],
        "SessionContext": record["reference"],
    }


def _reply(said: Record) -> dict[str, Any]:
    return {
        "extend": said["addSerial"],
        "mobile": said["phone"],
        "nationcode": "86",
        "sign": said["sign"],
        "text": said["smsContent"],
        "time": int(said["at"]),
    }


def _pulled_reply(said: Record) -> dict[str, Any]:
    return {
        "ExtendCode": said["addSerial"],
        "CountryCode": "86",
        "SubscriberNumber": said["phone"],
        "PhoneNumber": f"+86{said['phone']}",
        "SignName": said["sign"],
        "ReplyContent": said["smsContent"],
        "ReplyTime": int(said["at"]),
    }


def open_cloud(world: World) -> SMSCloud:
    """The service behind the wire."""
    return SMSCloud(
        world, "tencent", report=_report, reply=_reply, replies_in_lists=False, contented_by=says_result_zero
    )


def routes(world: World, cloud: SMSCloud) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """sms.tencentcloudapi.com."""
    return [(r"/tencent-sms/?", CallHandler, {"world": world, "cloud": cloud})]
