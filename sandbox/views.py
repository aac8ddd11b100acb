"""How pages are rendered: Jinja2 templates, a stylesheet of their own, nothing from elsewhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.pay_wire import CHINA
from sandbox.state import State
from sandbox.web import SandboxHandler

HERE = Path(__file__).parent
STATIC = HERE / "static"
_POLICY = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; frame-ancestors 'none'"


def _yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}¥{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def _clock(instant: float) -> str:
    at = datetime.fromtimestamp(instant, CHINA)
    same_day = at.date() == datetime.now(CHINA).date()
    return at.strftime("%H:%M:%S" if same_day else "%m-%d %H:%M")


DELIVERY_STATES = {
    "pending": ("等待送达", "amber"),
    "delivered": ("已送达", "green"),
    "given_up": ("已放弃", "red"),
    "refused": ("被拒绝，应当如此", "green"),
    "swallowed": ("被接受，不应当", "red"),
    "unanswered": ("没有应答", "grey"),
}
EVENTS = {
    "TRANSACTION.SUCCESS": "支付成功通知",
    "REFUND.SUCCESS": "退款成功通知",
    "REFUND.ABNORMAL": "退款异常通知",
    "REFUND.CLOSED": "退款关闭通知",
    "FORGED": "伪造的通知",
    "PROBE": "签名探测",
    "SMS.REPORT": "短信状态报告",
    "SMS.REPLY": "短信回复",
    "AGENCY.WORD": "部门结果通知",
}

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_environment.filters["yuan"] = _yuan
_environment.filters["clock"] = _clock
_environment.globals |= {"delivery_states": DELIVERY_STATES, "events": EVENTS}


def stamp_of(state: State) -> str:
    """Changes whenever something happened that a page shows: sizes and states, as short text."""
    told = (
        len(state.sms),
        sum(sms["state"] != "submitted" for sms in state.sms),
        len(state.sms_replies),
        len(state.wechat_messages),
        len(state.oa_chat),
        len(state.persons),
        len(state.orders),
        sum(order.state != "NOTPAY" for order in state.orders.values()),
        sum(len(order.refused) for order in state.orders.values()),
        sum(refund.status != "PROCESSING" for refund in state.refunds.values()),
        len(state.refunds),
        sum(application.revision for application in state.applications.values()),
        len(state.his),
        sum(len(delivery.attempts) for delivery in state.deliveries.values()),
    )
    return ".".join(map(str, told))


class PageHandler(SandboxHandler):
    """Answers HTML."""

    def page(self, template: str, **names: Any) -> None:
        """Render a template."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cache-Control", "no-store")
        html = _environment.get_template(template).render(
            path=self.request.path,
            city_url=self.world.city.url,
            # What happens from now on is news to this page, also before it first looks.
            stamp=stamp_of(self.world.state),
            **names,
        )
        self.finish(html)
