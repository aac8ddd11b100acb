"""Who wants no more text messages: obeyed at once and for good, until the person says otherwise in the app.

One reply stops one group of kinds: that of the latest message it can be an answer to, which is one that
offered the very word, if there was one lately. Codes, answers and what somebody has just asked for belong to
no group, and nobody can stop them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.messages.extensions import OPEN_FOR
from backend.messages.models import MessageKind
from backend.messages.policies import POLICIES, Group
from backend.messages.texts import WORDINGS

STOP_WORDS = frozenset({"T", "TD", "R", "N", "退订", "拒收"})
_AROUND = " \t\r\n。.!！,，"


def is_stop_word(text: str) -> bool:
    """Whether a reply asks to be left alone, in whatever width and case it is typed."""
    return _folded(text) in STOP_WORDS


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).strip(_AROUND).upper().split())


@dataclass(frozen=True, slots=True)
class OptOut:
    """One group of kinds stopped, since when and by what."""

    group: Group
    by: Literal["sms", "resident"]
    at: datetime


CONFIRMATIONS: dict[Group, str] = {
    Group.NOTICES: "已为您停发就诊通知短信，消息仍可在小程序中查看。如需恢复，请在小程序“消息”中打开。",
    Group.REMINDERS: "已为您停发就诊提醒短信。如需恢复，请在小程序“消息”中打开。",
    Group.SURVEYS: "已为您停发回访短信，不再打扰。如需恢复，请在小程序“消息”中打开。",
}


def groups_meant(text: str, sent: Sequence[tuple[MessageKind, datetime]], at: datetime) -> list[Group]:
    """What a word to stop is about, said at an instant after these messages, the newest first.

    The group of the latest that offered this word within the time in which questions are open; else of the
    latest that can be stopped; everything when there was none.
    """
    stoppable = [(kind, group, when) for kind, when in sent if (group := POLICIES[kind].group)]
    offer = f"回复{_folded(text)}"
    offered = [
        group for kind, group, when in stoppable if offer in WORDINGS[kind].sms and at - when <= OPEN_FOR
    ]
    return offered[:1] or [group for _, group, _ in stoppable[:1]] or list(Group)
