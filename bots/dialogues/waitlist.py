"""Waiting for a place: there is no waiting list yet, and that is what is said."""

from __future__ import annotations

from typing import ClassVar

from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

NOT_YET = (
    "这里还不能候补。有人退号，号会马上放回来，可以过一会儿再说医院、科室和时间来查，或换一天、换一家医院。"
)


class Waitlist(Dialogue):
    """Says what can be done instead."""

    name: ClassVar[str] = "waitlist"
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = (Intent.WAITLIST,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """The truth."""
        return Say(NOT_YET)
