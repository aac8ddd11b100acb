"""Who wants no more text messages: obeyed at once and for good, until the person says otherwise in the app.

One reply stops one group of kinds: that of the latest message it can be an answer to. Codes, answers and what
somebody has just asked for belong to no group, and nobody can stop them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.messages.policies import Group

STOP_WORDS = frozenset({"T", "TD", "R", "N", "退订", "拒收"})
_AROUND = " \t\r\n。.!！,，"


def is_stop_word(text: str) -> bool:
    """Whether a reply asks to be left alone, in whatever width and case it is typed."""
    folded = unicodedata.normalize("NFKC", text).strip(_AROUND).upper()
    return "".join(folded.split()) in STOP_WORDS


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


def groups_meant(groups: Sequence[Group]) -> list[Group]:
    """What a word to stop is about: the group of the latest message, or everything when there was none."""
    return list(groups[:1]) or list(Group)
