"""How words sound: syllables of characters and of what is typed in letters."""

from __future__ import annotations

from functools import lru_cache

from pypinyin import Style, lazy_pinyin

# Family names that sound otherwise than the same character elsewhere.
_SURNAMES = {
    "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "盖": "ge", "朴": "piao", "曾": "zeng",
    "缪": "miao", "乐": "yue", "员": "yun", "种": "chong", "翟": "zhai", "覃": "qin", "尉": "yu", "任": "ren",
}  # fmt: skip
_DOUBLE = "欧阳上官司马诸葛东方皇甫尉迟公孙慕容司徒令狐夏侯端木宇文长孙轩辕南宫澹台闻人呼延申屠"
DOUBLE_SURNAMES = frozenset(_DOUBLE[at : at + 2] for at in range(0, len(_DOUBLE), 2))
_NUMERALS = {
    "0": "ling", "1": "yi", "2": "er", "3": "san", "4": "si", "5": "wu", "6": "liu", "7": "qi",
    "8": "ba", "9": "jiu",
}  # fmt: skip


@lru_cache(maxsize=16384)
def syllable(char: str) -> str:
    """The usual syllable of one character; a Latin letter is itself, 2 is er."""
    if char.isascii():
        return _NUMERALS.get(char, char)
    (read,) = lazy_pinyin(char, style=Style.NORMAL, v_to_u=False)[:1] or [""]
    return read if read.isascii() and read.isalpha() else ""


def readings(word: str, *, surname: bool = False) -> set[tuple[str, ...]]:
    """The ways a word is read: in context, character by character, and with the family name's own sound."""
    each = tuple(syllable(char) for char in word)
    whole = tuple(lazy_pinyin(word, style=Style.NORMAL, v_to_u=False)) if not word.isascii() else each
    ways = {each}
    if len(whole) == len(each) and all(part.isascii() for part in whole):
        ways.add(whole)
    if surname and word[0] in _SURNAMES:
        ways |= {(_SURNAMES[word[0]], *way[1:]) for way in ways}
    # 吕 is typed lv, lyu or lu.
    for way in tuple(ways):
        if any("v" in part for part in way):
            ways |= {tuple(part.replace("v", typed) for part in way) for typed in ("yu", "u")}
    return {way for way in ways if all(way)}


def surname_of(name: str) -> str:
    """欧阳 of 欧阳娜, 王 of 王建国."""
    return name[:2] if name[:2] in DOUBLE_SURNAMES and len(name) > 2 else name[:1]
