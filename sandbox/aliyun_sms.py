"""Aliyun SMS: SendSms and QuerySendDetails, and how its reports and replies look."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from sandbox.aliyun_wire import AliyunError, AliyunHandler
from sandbox.pay_wire import CHINA
from sandbox.people import PHONE
from sandbox.sms_cloud import DAY_S, HOUR_S, MINUTE_S, Limit, Record, SMSCloud, china_time, says_code
from sandbox.sms_templates import CloudTemplate
from sandbox.web import SandboxHandler
from sandbox.world import World

MOST_PHONES = 1000
LONGEST_PARAM = 35
LONGEST_OUT_ID = 256
# As published: a code once a minute, five times an hour, ten times a day; other notices fifty times a day.
_CONTROL = "isv.BUSINESS_LIMIT_CONTROL"
LIMITS = {
    "code": (Limit(1, MINUTE_S, _CONTROL), Limit(5, HOUR_S, _CONTROL), Limit(10, DAY_S, _CONTROL)),
    "notice": (Limit(50, DAY_S, _CONTROL),),
}
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9]{4,6}", re.ASCII)
_WAITING, _FAILED, _SUCCEEDED = 1, 2, 3


def _params(raw: str) -> dict[str, str]:
    try:
        params = orjson.loads(raw or "{}")
    except orjson.JSONDecodeError as error:
        raise AliyunError("isv.INVALID_JSON_PARAM") from error
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
        raise AliyunError("isv.INVALID_JSON_PARAM")
    return params


def _check_values(template: CloudTemplate, params: dict[str, str]) -> None:
    for slot in template.slots:
        if slot not in params:
            raise AliyunError("isv.TEMPLATE_MISSING_PARAMETERS")
        value = params[slot]
        if not 1 <= len(value) <= LONGEST_PARAM:
            raise AliyunError("isv.PARAM_LENGTH_LIMIT")
        if template.is_code and not _CODE.fullmatch(value):
            raise AliyunError("isv.TEMPLATE_PARAMS_ILLEGAL")
        if _URL.search(value):
            raise AliyunError("isv.PARAM_NOT_SUPPORT_URL")
        if any(ord(character) > 0xFFFF for character in value):
            raise AliyunError("isv.UNSUPPORTED_CONTENT")


class CallHandler(AliyunHandler):
    """GET and POST /: the action is a parameter."""

    cloud: SMSCloud

    def initialize(self, world: World, cloud: SMSCloud | None = None) -> None:
        super().initialize(world)
        if cloud is not None:
            self.cloud = cloud

    async def get(self) -> None:
        """The same as POST; the signature covers the method."""
        await self.post()

    async def post(self) -> None:
        """Do what is asked."""
        params = self.call()
        if params["Action"] == "SendSms":
            self._send(params)
        elif params["Action"] == "QuerySendDetails":
            self._query(params)
        else:
            raise AliyunError("InvalidAction.NotFound")

    def _send(self, params: dict[str, str]) -> None:
        for name in ("PhoneNumbers", "SignName", "TemplateCode"):
            if not params.get(name):
                raise AliyunError(f"Missing{name}")
        refused = self.world.switches.text("refuse_aliyun")
        if refused:
            raise AliyunError(refused)
        phones = self._phones(params["PhoneNumbers"])
        if params["SignName"] != self.cloud.account["sign_name"]:
            raise AliyunError("isv.SMS_SIGNATURE_ILLEGAL")
        template = self.cloud.template(params["TemplateCode"])
        if template is None:
            raise AliyunError("isv.SMS_TEMPLATE_ILLEGAL")
        values = _params(params.get("TemplateParam", ""))
        _check_values(template, values)
        extension, out_id = params.get("SmsUpExtendCode", ""), params.get("OutId", "")
        if extension and not (extension.isascii() and extension.isdigit() and len(extension) <= 7):
            raise AliyunError("isv.EXTEND_CODE_ERROR")
        if len(out_id.encode()) > LONGEST_OUT_ID:
            raise AliyunError("isv.INVALID_PARAMETERS")
        kind = "code" if template.is_code else "notice"
        self._check_limits(phones, kind)
        biz_id = f"{int(self.world.now() * 1000):013d}{self.world.state.count('biz_ids'):05d}^0"
        for phone in phones:
            self.cloud.take(
                phone, template.fill(values), biz_id, add_serial=extension, reference=out_id, kind=kind,
                template=params["TemplateCode"],
            )  # fmt: skip
        self.succeed(BizId=biz_id)

    def _phones(self, listed: str) -> list[str]:
        phones = [phone.removeprefix("+86") for phone in listed.split(",")]
        if len(phones) > MOST_PHONES:
            raise AliyunError("isv.MOBILE_COUNT_OVER_LIMIT")
        if not all(PHONE.fullmatch(phone) for phone in phones):
            raise AliyunError("isv.MOBILE_NUMBER_ILLEGAL")
        return phones

    def _check_limits(self, phones: list[str], kind: str) -> None:
        for phone in phones:
            exceeded = self.cloud.exceeded(phone, LIMITS[kind], kind)
            if exceeded:
                raise AliyunError(exceeded)

    def _query(self, params: dict[str, str]) -> None:
        for name in ("PhoneNumber", "SendDate", "PageSize", "CurrentPage"):
            if not params.get(name):
                raise AliyunError(f"Missing{name}")
        size, page = params["PageSize"], params["CurrentPage"]
        if not (size.isdigit() and 1 <= int(size) <= 50 and page.isdigit() and int(page) >= 1):
            raise AliyunError("isv.INVALID_PARAMETERS")
        found = self._found(params)
        start = (int(page) - 1) * int(size)
        details = [_detail(record) for record in found[start : start + int(size)]]
        self.succeed(TotalCount=len(found), SmsSendDetailDTOs={"SmsSendDetailDTO": details})

    def _found(self, params: dict[str, str]) -> list[Record]:
        try:
            on = datetime.strptime(params["SendDate"], "%Y%m%d").replace(tzinfo=CHINA)
        except ValueError as error:
            raise AliyunError("isv.INVALID_PARAMETERS") from error
        begins = on.timestamp()
        if begins < self.world.now() - 31 * DAY_S:
            raise AliyunError("isv.INVALID_PARAMETERS")
        biz_id = params.get("BizId", "")
        return [
            record
            for record in self.cloud.records(params["PhoneNumber"])
            if begins <= record["at"] < begins + DAY_S and biz_id in ("", record["msg_group"])
        ]


def _detail(record: Record) -> dict[str, Any]:
    reported = record["state"] != "submitted"
    detail = {
        "PhoneNum": record["phone"],
        "SendStatus": _WAITING,
        "TemplateCode": record["template"],
        "Content": record["text"],
        "SendDate": china_time(record["at"]),
        "OutId": record["reference"],
    }
    if reported:
        detail |= {
            "SendStatus": _FAILED if record["state"] == "failed" else _SUCCEEDED,
            "ErrCode": record["err_code"] or "DELIVERED",
            "ReceiveDate": china_time(record["reported_at"]),
        }
    return detail


def _report(record: Record) -> dict[str, Any]:
    failed = record["state"] == "failed"
    return {
        "phone_number": record["phone"],
        "send_time": china_time(record["at"]),
        "report_time": china_time(record["reported_at"]),
        "success": not failed,
        "err_code": record["err_code"] or "DELIVERED",
        "err_msg": "用户接收失败" if failed else "用户接收成功",
        "sms_size": str(record["segments"]),
        "biz_id": record["msg_group"],
        "out_id": record["reference"],
    }


def _reply(said: Record) -> dict[str, Any]:
    return {
        "phone_number": said["phone"],
        "send_time": china_time(said["at"]),
        "content": said["smsContent"],
        "dest_code": said["addSerial"],
        "sequence_id": str(said["sequence"]),
    }


def open_cloud(world: World) -> SMSCloud:
    """The service behind the wire."""
    return SMSCloud(
        world, "aliyun", report=_report, reply=_reply, replies_in_lists=True, contented_by=says_code
    )


def routes(world: World, cloud: SMSCloud) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """dysmsapi.aliyuncs.com."""
    return [(r"/aliyun-sms/?", CallHandler, {"world": world, "cloud": cloud})]
