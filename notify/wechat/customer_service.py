"""`OfficialAccountMessenger`: customer-service messages, words to who has spoken to the account lately."""

from __future__ import annotations

from notify.ports import CustomerMessage, SendResult
from notify.wechat.client import WeChatApp


class WeChatCustomerService:
    """Sends through the official account. WeChat gives such a message no number and reports nothing on it."""

    name = "wechat_customer_service"

    def __init__(self, official: WeChatApp) -> None:
        self._official = official

    async def send_text(self, message: CustomerMessage) -> SendResult:
        """Send one text."""
        body = {"touser": message.openid, "msgtype": "text", "text": {"content": message.text}}
        answer = await self._official.post("customer_message", "cgi-bin/message/custom/send", body)
        return SendResult(self.name, str(answer.get("msgid", "")))

    async def aclose(self) -> None:
        """The application is closed by whoever opened it."""
