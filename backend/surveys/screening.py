"""Reading free answers: words that ask for a call, and what people speak of. The words are data files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
_NEGATIONS = ("没有", "没", "无", "并未", "未", "不会", "不再", "不")
# "没有再 发烧": so many characters may stand between a negation and what it denies.
_REACH = 4
_STOPS = "，。！？；,.!?; \n但"


@cache
def _lists(name: str) -> dict[str, tuple[str, ...]]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    entries = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {kind: tuple(words) for kind, *words in entries}


def risks(text: str) -> list[str]:
    """The kinds of risk that a text speaks of, in the file's order."""
    return [kind for kind, words in _lists("risk_words.txt").items() if _speaks_of(text, words)]


def topics(texts: Iterable[str]) -> list[str]:
    """What one person's answers speak of, each topic once."""
    whole = "\n".join(texts).upper()
    return [topic for topic, words in _lists("topics.txt").items() if any(word in whole for word in words)]


def _speaks_of(text: str, words: Iterable[str]) -> bool:
    return any(_occurs(text, word) for word in words)


def _occurs(text: str, word: str) -> bool:
    always, word = word.startswith("!"), word.lstrip("!")
    at = text.find(word)
    while at >= 0:
        if always or not _denied(text, at):
            return True
        at = text.find(word, at + 1)
    return False


def _denied(text: str, at: int) -> bool:
    """Whether a negation stands close before, in the same breath."""
    before = text[max(0, at - _REACH) : at]
    for stop in _STOPS:
        before = before.rpartition(stop)[2]
    return any(negation in before for negation in _NEGATIONS)
