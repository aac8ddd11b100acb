"""The templates the city has applied for at Aliyun and Tencent Cloud: one wording, slots written two ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SLOT = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class CloudTemplate:
    """A wording with named slots, `${patient}`; codes have stricter rules than notices."""

    text: str
    is_code: bool = False

    @property
    def slots(self) -> list[str]:
        """Names of the slots in the order of their first appearance."""
        return list(dict.fromkeys(_SLOT.findall(self.text)))

    @property
    def numbered(self) -> str:
        """The same wording as Tencent writes it, `{1}`."""
        places = {name: number for number, name in enumerate(self.slots, 1)}
        return _SLOT.sub(lambda match: f"{{{places[match[1]]}}}", self.text)

    def fill(self, values: Mapping[str, str]) -> str:
        """The text a phone shows."""
        return _SLOT.sub(lambda match: values[match[1]], self.text)


CLOUD_TEMPLATES: dict[str, CloudTemplate] = {
    "login_code": CloudTemplate("您的验证码是${code}，5分钟内有效。请勿告诉他人。", is_code=True),
    "appointment_booked": CloudTemplate(
        "${patient}您好，您已预约${organization}${department}，就诊时间${when}，序号${number}。"
    ),
    "appointment_cancelled": CloudTemplate(
        "${patient}您好，您在${organization}${department}${when}的预约已取消。"
    ),
    "schedule_stopped": CloudTemplate(
        "${patient}您好，很抱歉，${organization}${department}${when}停诊，您的预约已取消。"
    ),
    "guidance_slip": CloudTemplate(
        "${patient}您好，您已报到${organization}${department}，序号${number}，请到${place}候诊。"
    ),
    "refund_succeeded": CloudTemplate("您的${item}${amount}已原路退回您的支付账户，以银行到账时间为准。"),
    "visit_reminder": CloudTemplate("${patient}您好，请记得${when}的就诊。"),
}
