"""A greeting is greeted, thanks are returned."""

from __future__ import annotations

from typing import ClassVar

from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

WELCOME = "您好！直接说要办的事就行，例如“明天上午市人民医院儿科”。回复“帮助”看看都能办什么。"
NOT_AT_ALL = "不客气，祝您健康！"


class Courtesy(Dialogue):
    """Good manners, and never in the way of a question that is open."""

    name: ClassVar[str] = "courtesy"
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = (Intent.GREETING, Intent.THANKS)
    interrupts: ClassVar[bool] = False
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """One answer each."""
        return Say(NOT_AT_ALL if talk.understood.intent is Intent.THANKS else WELCOME)
