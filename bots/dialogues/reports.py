"""Reports: there is no connection to the hospitals' reports yet, and that is what is said."""

from __future__ import annotations

from typing import ClassVar

from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

NOT_YET = (
    "检查、检验报告还没有接入本平台，在这里查不到，也不会有出报告的提醒。请到就诊医院的窗口或自助机查询。"
)


class Reports(Dialogue):
    """Says where reports are to be had."""

    name: ClassVar[str] = "reports"
    # Nothing that is offered in the menu.
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = (Intent.REPORTS,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """The truth."""
        return Say(NOT_YET)
