"""Stopping our text messages, and having them again: obeyed at once, without a question.

A bare T, TD, R, N, 退订 or 拒收 by SMS never comes here: messages obey it by themselves.
"""

from __future__ import annotations

from typing import ClassVar

from backend.errors import AppError, ErrorCode
from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

STRANGER = "这个号码没有登记，我们不会主动发消息给您。收到过我们的短信，直接回复T就能停发。"
_GROUPS = {"notices": "就诊通知", "reminders": "就诊提醒", "surveys": "回访"}
_WORDS = {"reminders": ("提醒",), "surveys": ("回访", "调查", "问卷", "随访", "满意度")}


class OptOut(Dialogue):
    """Stops what was named; everything that can be stopped when nothing was."""

    name: ClassVar[str] = "opt_out"
    title: ClassVar[str] = "停发短信，回复“退订”"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.OPT_OUT,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """At once: who asks for silence is asked nothing."""
        if not talk.actor.id:
            return Say(STRANGER)
        groups = _meant(talk.said)
        for group in groups:
            await talk.services.messages.stop(talk.actor, group)
        return Say(
            f"已停发{_named(groups)}短信，消息仍可在小程序查看；验证码不受影响。要恢复请回复“恢复短信”。"
        )


class OptIn(Dialogue):
    """Sends text messages again."""

    name: ClassVar[str] = "opt_in"
    title: ClassVar[str] = ""
    intents: ClassVar[tuple[Intent, ...]] = (Intent.OPT_IN,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """Whatever had been stopped."""
        if not talk.actor.id:
            return Say(STRANGER)
        stopped = {str(optout.group) for optout in await talk.services.messages.list_optouts(talk.actor)}
        again = [group for group in _meant(talk.said) if group in stopped]
        for group in again:
            try:
                await talk.services.messages.allow(talk.actor, group)
            except AppError as error:
                if error.code is not ErrorCode.NOT_FOUND:
                    raise
        return Say(f"已恢复{_named(again)}短信。" if again else "您没有停发短信，不用恢复。")


def _meant(said: str) -> list[str]:
    """The groups that were named, else all of them."""
    named = [group for group, words in _WORDS.items() if any(word in said for word in words)]
    return named or list(_GROUPS)


def _named(groups: list[str]) -> str:
    return "、".join(_GROUPS[group] for group in groups)
