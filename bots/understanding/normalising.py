"""One form for everything people type: width, case, traditional characters, punctuation, emoji and spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from bots.understanding.traditional import SIMPLER

# Nobody books in more; a longer text is read to here, and the answer says so.
MAX_LENGTH = 300

_YES_SIGNS = re.compile("[👍👌✅🆗🙆✔☑💯]|\\[(?:ok|OK|强|好的)\\]")
_NO_SIGNS = re.compile("[👎❌🙅✖]|\\[弱\\]")
_WECHAT_FACES = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,4}\]")
_SPANS = (
    # 9点-11点 and 周一~周三: a dash between two times is a 到; between plain digits it is left for the dates.
    re.compile(
        r"(?<=[点时半刻分号日一二三四五六天午])\s*[-~—–～]+\s*(?=[\d上下中晚周星礼一二三四五六七八九十])"
    ),
    re.compile(r"(?<=:\d\d)\s*[-~—–]+\s*(?=\d)"),
)
_KEPT_POINTS = re.compile(r"(?<=\d)\s*[./:\-](?=\s*\d)")
_POINTS = re.compile(r"[^\w\s\u4e00-\u9fff]+|_+")
_WIDE_SPACE = re.compile(r"(?<=[\u3400-\u9fff])[ \t\u3000]+|[ \t\u3000]+(?=[\u3400-\u9fff])")
_SPACES = re.compile(r"\s+")
# Private marks that stand for the points kept inside numbers while all other punctuation goes.
_MARKS = {".": "\ue001", "/": "\ue002", ":": "\ue003", "-": "\ue004"}
_UNMARK = str.maketrans({mark: point for point, mark in _MARKS.items()})


def normalise(sentence: str) -> str:
    """The sentence as the other modules read it: a single space stands where punctuation was."""
    text = _signs(sentence[:MAX_LENGTH])
    text = unicodedata.normalize("NFKC", text)[:MAX_LENGTH].lower().translate(SIMPLER)
    for span in _SPANS:
        text = span.sub("到", text)
    text = _KEPT_POINTS.sub(lambda found: _MARKS[found[0].strip()], text)
    text = "".join(map(_kept, text))
    text = _WIDE_SPACE.sub("", text)
    return _SPACES.sub(" ", text).strip().translate(_UNMARK)


def _signs(sentence: str) -> str:
    """Emoji that answer a question become the answer, if nothing else is said."""
    rest = _NO_SIGNS.sub("", _YES_SIGNS.sub("", sentence))
    if not any(char.isalnum() for char in rest):
        if _YES_SIGNS.search(sentence):
            return "好的"
        if _NO_SIGNS.search(sentence):
            return "不要"
    return _WECHAT_FACES.sub(" ", rest)


@lru_cache(maxsize=8192)
def _kept(char: str) -> str:
    """The character, a line break for punctuation (which ends a word), or nothing."""
    if char.isalnum() or char in " \t\u3000\ue001\ue002\ue003\ue004":
        return char
    category = unicodedata.category(char)
    return "" if category in ("Mn", "Me", "Cf", "So", "Sk", "Cs", "Co", "Cn") else "\n"
