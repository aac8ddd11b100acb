"""Ways to misbehave: one table of switches, read by the services, the control API and the page alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.state import State


@dataclass(frozen=True)
class Switch:
    """One way to misbehave; its type is the type of `off`, the value that means good behaviour."""

    name: str
    service: str
    off: bool | int | str
    label: str
    hint: str = ""
    # What plain "on" means for a switch that holds a code; empty when a code must be named.
    on: str = ""
    choices: tuple[str, ...] = ()


def _refusal(name: str, service: str, label: str, *codes: str) -> Switch:
    """A switch that holds an error code: any, such as these; plain "on" means the first."""
    return Switch(name, service, "", label, f"错误码，例如 {'、'.join(codes)}", on=codes[0])


SWITCHES = (
    Switch("slow_ms", "all", 0, "每个接口都慢 (毫秒)"),
    Switch("slow_wechat_ms", "wechat", 0, "微信接口慢 (毫秒)"),
    _refusal("refuse_login", "wechat", "拒绝登录", "40029", "40226", "-1"),
    _refusal("refuse_token", "wechat", "拒绝发放 access_token", "-1", "40164", "45009"),
    _refusal("refuse_phone_number", "wechat", "拒绝手机号", "40029", "-1"),
    Switch(
        "refuse_subscribe_message",
        "wechat",
        "",
        "拒绝订阅消息",
        "错误码，例如 43101、43107、45168",
        on="43101",
    ),
    Switch(
        "refuse_customer_message", "wechat", "", "拒绝客服消息", "错误码，例如 45015、45047、-1", on="45015"
    ),
    Switch(
        "chat_mode", "wechat", "", "公众号消息的加密方式", "空为安全模式", choices=("", "compatible", "plain")
    ),
    Switch(
        "template_result",
        "wechat",
        "success",
        "模板消息的结局",
        choices=("success", "failed:user block", "failed: system failed"),
    ),
    Switch("duplicate_chat", "wechat", False, "公众号消息送两遍"),
    Switch("lose_answers_wechat", "wechat", False, "微信接口办完事却不答复"),
    Switch("slow_pay_ms", "pay", 0, "支付接口慢 (毫秒)"),
    _refusal("refuse_prepay", "pay", "拒绝下单", "SYSTEM_ERROR", "FREQUENCY_LIMITED", "RULE_LIMIT"),
    _refusal("refuse_query", "pay", "拒绝查单", "SYSTEM_ERROR", "FREQUENCY_LIMITED"),
    _refusal("refuse_close", "pay", "拒绝关单", "SYSTEM_ERROR", "USERPAYING"),
    _refusal("refuse_refund", "pay", "拒绝退款", "NOT_ENOUGH", "SYSTEM_ERROR", "USER_ACCOUNT_ABNORMAL"),
    Switch("refund_result", "pay", "SUCCESS", "退款的结局", choices=("SUCCESS", "ABNORMAL", "CLOSED")),
    Switch("refund_delay_s", "pay", 3, "退款多久到账 (秒)"),
    Switch("forge_answers_pay", "pay", False, "应答的签名是伪造的"),
    Switch("lose_answers_pay", "pay", False, "支付接口办完事却不答复"),
    Switch("duplicate_notices", "pay", False, "同一通知发两次"),
    Switch("reorder_notices", "pay", False, "通知乱序 (隔一条压三秒)"),
    Switch("forge_notice", "pay", False, "真通知之前先来一条假的"),
    Switch("lose_notices", "pay", 0, "前几次通知丢在路上", "次数；-1 为全部丢失"),
    Switch("signtest_every", "pay", 10, "每几条通知来一次签名探测", "0 为不探测"),
    Switch("slow_mas_ms", "mas", 0, "短信网关慢 (毫秒)"),
    _refusal("refuse_sms", "mas", "拒收短信", "InvalidUsrOrPwd", "IllegalMac", "NOT_WHITE_IP"),
    Switch("sms_fail", "mas", "", "短信发送失败", "状态报告的错误码，例如 DB:0140、MK:0001", on="DB:0140"),
    Switch("sms_report_delay_s", "mas", 1, "状态报告多久回来 (秒)"),
    Switch("lose_reports", "mas", False, "状态报告丢失"),
    Switch("duplicate_reports", "mas", False, "状态报告和回复推送两次"),
    Switch("single_reports", "mas", False, "推送单个对象而不是数组"),
    Switch("reorder_reports", "mas", False, "状态报告和回复乱序 (隔一条压三秒)"),
    Switch("lose_answers_mas", "mas", False, "短信网关办完事却不答复"),
    Switch("slow_aliyun_ms", "aliyun", 0, "阿里云短信慢 (毫秒)"),
    _refusal(
        "refuse_aliyun",
        "aliyun",
        "拒收短信",
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.OUT_OF_SERVICE",
        "isp.SYSTEM_ERROR",
        "Throttling.User",
    ),
    Switch("aliyun_fail", "aliyun", "", "短信发送失败", "状态报告的错误码", on="MOBILE_NOT_ON_SERVICE"),
    Switch("lose_answers_aliyun", "aliyun", False, "阿里云短信办完事却不答复"),
    Switch("slow_tencent_ms", "tencent", 0, "腾讯云短信慢 (毫秒)"),
    _refusal(
        "refuse_tencent",
        "tencent",
        "拒收短信",
        "LimitExceeded.DeliveryFrequencyLimit",
        "InternalError.Timeout",
    ),
    Switch("tencent_fail", "tencent", "", "短信发送失败", "状态报告的错误码", on="MK:0001"),
    Switch("lose_answers_tencent", "tencent", False, "腾讯云短信办完事却不答复"),
    Switch("slow_register_ms", "register", 0, "人口库慢 (毫秒)"),
    Switch("refuse_register", "register", "", "人口库拒绝服务", "HTTP 状态，例如 503", on="503"),
    Switch("register_open", "register", False, "人口库里没有的人也算存在"),
    Switch("lose_answers_register", "register", False, "人口库办完事却不答复"),
    Switch("slow_agencies_ms", "agencies", 0, "部门接口慢 (毫秒)"),
    Switch(
        "agencies_down",
        "agencies",
        "",
        "部门停机",
        "部门代码，逗号分隔，例如 civil,social；all 为全部",
        on="all",
    ),
    Switch("lose_answers_agencies", "agencies", False, "部门办完事却不答复"),
    Switch("agencies_clerk", "agencies", False, "由办事员在页面上办理，不自动办结"),
    Switch("agencies_delay_s", "agencies", 3, "自动办结要多久 (秒)"),
    Switch("agencies_post_s", "agencies", 20, "办结后多久自动寄出或通知领取 (秒)"),
    Switch("agencies_keep_papers", "agencies", False, "办结后不寄出，也不通知领取"),
    Switch(
        "agencies_correct",
        "agencies",
        "",
        "第一次要求补正的事项",
        "事项代码，逗号分隔，例如 household",
        on="household",
    ),
    Switch(
        "agencies_reject",
        "agencies",
        "",
        "不予办理的事项",
        "事项代码，逗号分隔，例如 social_card",
        on="social_card",
    ),
    Switch("duplicate_agency_calls", "agencies", False, "同一结果通知两次"),
    Switch("late_agency_calls_s", "agencies", 0, "结果通知晚多久 (秒)"),
    Switch("forge_agency_calls", "agencies", False, "真通知之前先来一条假的"),
    Switch("lose_agency_calls", "agencies", False, "结果通知丢在路上"),
    Switch("slow_his_ms", "his", 0, "医院接口慢 (毫秒)"),
    Switch("his_refuses", "his", "", "医院拒绝消息", "AE 内容有误，AR 暂不接收", choices=("", "AE", "AR")),
    Switch("lose_answers_his", "his", 0, "医院收下消息，却不答复就断开", "次数；-1 为每一次"),
)
BY_NAME = {switch.name: switch for switch in SWITCHES}
SERVICES = {
    "all": "全部",
    "wechat": "微信",
    "pay": "微信支付",
    "mas": "短信网关",
    "aliyun": "阿里云短信",
    "tencent": "腾讯云短信",
    "register": "人口库",
    "agencies": "出生一件事的各部门",
    "his": "医院接口",
}


class UnknownSwitchError(ValueError):
    """No such switch, or a value of the wrong type."""


def _coerce(switch: Switch, value: Any) -> bool | int | str:
    if isinstance(switch.off, bool):
        return value in (True, 1, "true", "1", "on", "yes")
    if isinstance(switch.off, int):
        if value is True:  # "lose notices: yes" means all of them
            return -1
        try:
            return int(value or 0)
        except (TypeError, ValueError) as error:
            raise UnknownSwitchError(f"{switch.name} takes a number") from error
    if value is True:
        value = switch.on
    if not value:
        return switch.off
    if switch.choices and value not in switch.choices:
        raise UnknownSwitchError(f"{switch.name} takes one of {', '.join(switch.choices)}")
    return str(value)


class Switches:
    """The switches as they stand."""

    def __init__(self, state: State) -> None:
        self._state = state

    def set(self, values: dict[str, Any]) -> None:
        """Set some; nothing is set when one of them is unknown."""
        unknown = sorted(set(values) - set(BY_NAME))
        if unknown:
            raise UnknownSwitchError(f"unknown switch: {', '.join(unknown)}")
        coerced = {name: _coerce(BY_NAME[name], value) for name, value in values.items()}
        self._state.switches.update(coerced)

    def all(self) -> dict[str, bool | int | str]:
        """Every switch with its present value."""
        return {switch.name: self._state.switches.get(switch.name, switch.off) for switch in SWITCHES}

    def on(self, name: str) -> bool:
        """A yes-or-no switch."""
        return bool(self._state.switches.get(name, BY_NAME[name].off))

    def number(self, name: str) -> int:
        """A switch that holds a number."""
        return int(self._state.switches.get(name, BY_NAME[name].off))

    def text(self, name: str) -> str:
        """A switch that holds a code; empty when off."""
        return str(self._state.switches.get(name, BY_NAME[name].off))
