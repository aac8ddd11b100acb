"""`MiniProgramMessenger`: WeChat subscribe messages."""

from __future__ import annotations

from typing import Any, Literal

from notify.ports import SendResult, SubscribeMessage
from notify.wechat.client import WeChatApp


class WeChatSubscribeMessenger:
    """Sends through the mini-program; WeChat takes one grant per message sent."""

    name = "wechat_subscribe"

    def __init__(self, mini: WeChatApp, *, opens: Literal["formal", "trial", "developer"] = "formal") -> None:
        self._mini = mini
        self._opens = opens

    async def send(self, message: SubscribeMessage) -> SendResult:
        """Send one message."""
        body: dict[str, Any] = {
            "touser": message.openid,
            "template_id": message.template_id,
            "data": {name: {"value": value} for name, value in message.data.items()},
            "miniprogram_state": self._opens,
            "lang": "zh_CN",
        }
        if message.page:
            body["page"] = message.page
        answer = await self._mini.post("subscribe_message", "cgi-bin/message/subscribe/send", body)
        return SendResult(self.name, str(answer.get("msgid", "")))

    async def aclose(self) -> None:
        """The application is closed by whoever opened it."""
