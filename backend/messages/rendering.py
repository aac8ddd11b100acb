"""How a message is written from a wording and facts, and which facts or wordings will not do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backend.messages.models import Content
from backend.messages.wording import FACTS, Wording

# WeChat's published lengths; a longer text is refused as a whole, so it is cut here.
_LENGTHS = {"thing": 20, "name": 10, "character_string": 32, "phrase": 5}
# Of a slot in an SMS template, the strictest provider's.
LONGEST_SLOT = 35
_FIELD = re.compile(r"\{(\w+)\}")


def render(wording: Wording, facts: Mapping[str, str]) -> Content:
    """The words of a message. A fact that is missing altogether raises KeyError: ask `wrong_facts` before."""
    return Content(
        params=slots_of(wording, facts),
        title=wording.title,
        body="\n".join(_lines(wording, facts)),
        sms=wording.sms.format_map(facts),
        wechat={name: _fit(name, text.format_map(facts)) for name, text in wording.wechat.items()},
        page=wording.page.format_map(facts),
    )


def approved_wording(wording: Wording) -> str:
    """What to apply for at a provider that sends by approved templates only, its slots in braces."""
    return wording.approved or wording.sms


def slots_of(wording: Wording, facts: Mapping[str, str]) -> dict[str, str]:
    """The values of the approved template's slots; providers refuse empty ones, and long ones."""
    names = dict.fromkeys(_FIELD.findall(approved_wording(wording)))
    return {name: _cut(facts[name], LONGEST_SLOT) or "-" for name in names}


def samples() -> dict[str, str]:
    """An example of every fact, to preview with."""
    return {name: fact.sample for name, fact in FACTS.items()}


def facts_of(wording: Wording) -> list[str]:
    """Which facts a wording is written from, in the order of their appearance."""
    lines = (text for _, text in wording.lines)
    texts = [wording.sms, wording.approved, *lines, *wording.wechat.values(), wording.page]
    return list(dict.fromkeys(name for text in texts for name in _FIELD.findall(text)))


def wrong_facts(wording: Wording, facts: Mapping[str, str]) -> list[str]:
    """Names of facts that are missing or not of their type."""
    return [name for name in facts_of(wording) if not _is_right(name, facts)]


def has_stray_braces(text: str) -> bool:
    """Whether braces stand where no slot is."""
    rest = _FIELD.sub("", text)
    return "{" in rest or "}" in rest


def _is_right(name: str, facts: Mapping[str, str]) -> bool:
    return name in facts and re.fullmatch(FACTS[name].form, facts[name]) is not None


def _lines(wording: Wording, facts: Mapping[str, str]) -> list[str]:
    return [
        f"{label}：{text.format_map(facts)}"
        for label, text in wording.lines
        if all(facts[name] for name in _FIELD.findall(text))
    ]


def _fit(name: str, text: str) -> str:
    longest = _LENGTHS.get(name.rstrip("0123456789"))
    return text if longest is None else _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
