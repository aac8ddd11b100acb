"""`AccountNotifier`: template messages of the official account, which open the mini-program's page."""

from __future__ import annotations

from typing import Any

from notify.ports import AccountNotice, SendResult
from notify.wechat.client import WeChatApp


class WeChatTemplateMessages:
    """Sends through the official account to who follows it."""

    name = "wechat_template"

    def __init__(self, official: WeChatApp, mini_app_id: str) -> None:
        self._official = official
        self._mini_app_id = mini_app_id

    async def send_notice(self, notice: AccountNotice) -> SendResult:
        """Send one message."""
        body: dict[str, Any] = {
            "touser": notice.openid,
            "template_id": notice.template_id,
            "data": {name: {"value": value} for name, value in notice.data.items()},
        }
        if notice.reference:
            # WeChat keeps it for ten minutes: the same again to the same person sends nothing.
            body["client_msg_id"] = notice.reference
        if notice.page and self._mini_app_id:
            body["miniprogram"] = {"appid": self._mini_app_id, "pagepath": notice.page}
        answer = await self._official.post("template_message", "cgi-bin/message/template/send", body)
        return SendResult(self.name, str(answer.get("msgid", "")))

    async def aclose(self) -> None:
        """The application is closed by whoever opened it."""
