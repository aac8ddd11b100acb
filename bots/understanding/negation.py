"""Finds what is named only to be ruled out: 不要上午, 除了周三, 周三不行, 不是儿科是内科."""

from __future__ import annotations

import re

# 要不要上午 and 是不是儿科 ask; they rule nothing out.
_BEFORE = re.compile(
    "(?:(?<!是)不是|(?<!要)不要|不想要|除了|除开|别给?我?挂|不挂|不看|不约|不去)(?:挂|约|看|在|去)?$"
)
_AFTER = re.compile("的?(?:那天|号|就|都|我)*(?:不行|不可以|不方便|没空|没时间|有事|除外|以外|之外)")


def is_ruled_out(text: str, start: int, end: int, *, giving_up: bool = False) -> bool:
    """Whether the stretch is named in order not to have it.

    `giving_up`: an appointment is; then 周五没空 names the day it was on.
    """
    if _BEFORE.search(text, 0, start) is not None:
        return True
    return not giving_up and _AFTER.match(text, end) is not None
