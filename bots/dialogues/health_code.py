"""The health code: the page that shows it in WeChat, the page that prints it for who only texts."""

from __future__ import annotations

from typing import ClassVar

from backend.conversations.models import Through
from backend.permissions import Permission
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent


class HealthCode(Dialogue):
    """Leads to the code; the code itself never goes by message."""

    name: ClassVar[str] = "health_code"
    title: ClassVar[str] = "健康码"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.HEALTH_CODE,)
    needs: ClassVar[Permission | None] = None

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """A link; who one is, is asked there."""
        if talk.through is Through.SMS:
            return Say(
                f"打开下面的页面登录后，可打印健康码带去医院：{phrases.page(self._app_url, 'code/printed')}"
            )
        return Say(f"打开健康码：{phrases.page(self._app_url, 'code/show')}")
