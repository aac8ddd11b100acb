"""Turns command and date words typed in pinyin, or with a wrong character that sounds alike, into words."""

from __future__ import annotations

import re

from bots.understanding.index import Index
from bots.understanding.sounds import syllable
from bots.understanding.words import ENGLISH, SPELLED, word_list

_LETTERS = re.compile("[a-z](?:[a-z ]*[a-z])?")
# 25hao, 9dian: too short to be words of ours anywhere but after a number.
_UNITS = {"hao": "号", "dian": "点", "yue": "月", "ri": "日", "ge": "个", "fen": "分"}
_AFTER_NUMBER = re.compile(r"(?<=\d) ?(hao|dian|yue|ri|ge|fen)(?![a-z]{0,2}ng)")
_WEEKS = ("周", "星期", "礼拜")
_SHORTEST = 4
_BEFORE_NOON = re.compile("[\u4e00-\u9fff](?=午(?!饭|餐|觉|睡|休))")
_HALVES = {"shang": "上", "xia": "下"}
_LONGEST_NAME = 24
_MAX_CORRECTED = 60


def _words() -> dict[str, str]:
    words = [*SPELLED]
    for week in _WEEKS:
        words += [which + week + day for which in ("", "下", "这") for day in "一二三四五六日天"]
    spelled = {"".join(map(syllable, word)): word for word in words}
    return {letters: word for letters, word in spelled.items() if len(letters) >= _SHORTEST}


_SPELLED = _words()
_LONGEST = max(map(len, _SPELLED))
# Words worth recognising by sound alone, because a sentence without them would not be understood.
_SOUNDS = {
    tuple(map(syllable, word)): word
    for word in word_list("""
        挂号 预约 取消 改期 改约 候补 缴费 交费 账单 报告 排队 退订 拒收 帮助 返回 退出
        人工 健康码 二维码 化验单 退号 地址 明天 后天 上午 下午 周末 结果 客服 满意 确认
        可以 专家号 普通号
    """)
}


def unspelled(text: str, index: Index) -> str:
    """Pinyin of our own words as characters; pinyin of names stays for the matcher."""
    text = _AFTER_NUMBER.sub(lambda found: _UNITS[found[1]], text)
    return _LETTERS.sub(lambda found: _in_words(found[0], index), text)


def _in_words(typed: str, index: Index) -> str:
    english = ENGLISH.get(typed)
    if english:
        return english
    letters = typed.replace(" ", "")
    pieces: list[str] = []
    at, changed = 0, False
    while at < len(letters):
        length = _name_at(letters, at, index)
        word = _word_at(letters, at)
        if word and len(word) >= length:
            pieces.append(_SPELLED[word])
            at, changed = at + len(word), True
        else:
            step = max(length, 1)
            pieces.append(letters[at : at + step])
            at += step
    return "".join(pieces) if changed else typed


def _word_at(letters: str, at: int) -> str:
    for length in range(min(_LONGEST, len(letters) - at), _SHORTEST - 1, -1):
        if letters[at : at + length] in _SPELLED:
            return letters[at : at + length]
    return ""


def _name_at(letters: str, at: int, index: Index) -> int:
    for length in index.loose.lengths.get(letters[at], ()):
        if _SHORTEST <= length <= _LONGEST_NAME and letters[at : at + length] in index.loose.senses:
            return length
    return 0


def with_halves_right(text: str) -> str:
    """明天尚午: the wrong character that the keyboard offers before 午."""
    return _BEFORE_NOON.sub(lambda found: _HALVES.get(syllable(found[0]), found[0]), text)


def corrected(text: str) -> str:
    """The text with words that only sound like ours written properly: 取小 → 取消."""
    if len(text) > _MAX_CORRECTED:
        return text
    sounds = [syllable(char) for char in text]
    pieces: list[str] = []
    at = 0
    while at < len(text):
        word = next((_SOUNDS[key] for n in (3, 2) if (key := tuple(sounds[at : at + n])) in _SOUNDS), "")
        pieces.append(word or text[at])
        at += len(word) or 1
    return "".join(pieces)
