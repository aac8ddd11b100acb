"""How a Chinese name can be typed: characters, pinyin or pinyin initials, from any syllable of the name on.

A name is stored with every key under which it is found; a search is then one anchored prefix on one index
and never scans a collection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

from pypinyin import Style, lazy_pinyin

MAX_KEY_LENGTH = 32
MAX_KEYS = 160
_SEPARATORS = re.compile(r"[\x00-\x1f\x7f\s'`’·.\-_/(),:;!?&+\"“”【】《》、，。；：（）]+")
_TOKENS = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")

# Surnames that are read otherwise than the same character elsewhere. Some families keep the common reading,
# so a name is found under both.
_SURNAMES = {
    "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "盖": "ge", "朴": "piao", "曾": "zeng",
    "缪": "miao", "乐": "yue", "员": "yun", "种": "chong", "秘": "bi", "洗": "xian", "翟": "zhai",
    "召": "shao", "折": "she", "黑": "he", "繁": "po", "隗": "wei", "郇": "xun", "能": "nai", "覃": "qin",
}  # fmt: skip


def normalise(text: str) -> str:
    """One form for what is typed and what is stored: NFKC, lower case, one space between words."""
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def search_terms(query: str) -> list[str]:
    """The words of a query, at most four; each must be found."""
    return [word[:MAX_KEY_LENGTH] for word in normalise(query).split()[:4]]


def search_keys(*names: str, surname: bool = False) -> list[str]:
    """Every key of the names. `surname`: the first characters are a person's family name."""
    keys: dict[str, None] = {}
    for name in names:
        for key in _keys_of(name, surname=surname):
            keys.setdefault(key)
    return list(keys)[:MAX_KEYS]


def sort_key(name: str, *, surname: bool = False) -> str:
    """What orders names as a Chinese reader expects: by pinyin."""
    return "".join(_readings(_characters(name), surname=surname)[0])[:MAX_KEY_LENGTH]


def _keys_of(name: str, *, surname: bool) -> Iterable[str]:
    characters = _characters(name)
    yield from _tails(characters)
    for readings in _readings(characters, surname=surname):
        yield from _tails(readings)
        yield from _tails([reading[:1] for reading in readings])


def _tails(parts: list[str]) -> Iterable[str]:
    for start in range(len(parts)):
        yield "".join(parts[start:])[:MAX_KEY_LENGTH]


def _characters(name: str) -> list[str]:
    return _TOKENS.findall(normalise(name))


def _readings(characters: list[str], *, surname: bool) -> list[list[str]]:
    """The ways to read a name, the likeliest first."""
    readings: list[str] = []
    for run in _runs(characters):
        readings += run if run[0].isascii() else _read(run)
    ways = [readings]
    if surname and characters and characters[0] in _SURNAMES:
        ways.insert(0, [_SURNAMES[characters[0]], *readings[1:]])
    if any("ü" in reading for reading in readings):
        # 吕 is typed lv by those who learnt it so, lyu as in a passport, or lu.
        ways = [[r.replace("ü", typed) for r in way] for typed in ("v", "yu", "u") for way in ways]
    return ways


def _runs(characters: list[str]) -> Iterable[list[str]]:
    """Neighbouring Chinese characters together, so that 重庆 and 长安 are read as the words they are."""
    for _, run in groupby(characters, key=str.isascii):
        yield list(run)


def _read(run: list[str]) -> list[str]:
    # Characters without a reading come back one by one, so that readings and characters stay in step.
    readings = lazy_pinyin("".join(run), style=Style.NORMAL, v_to_u=True, errors=_each)  # type: ignore[arg-type]
    return readings if len(readings) == len(run) else run


def _each(unread: str) -> list[str]:
    # pypinyin's stub says str, its documentation str or list.
    return list(unread)
