"""Chinese numerals up to 99, as they stand in dates, times and choices."""

from __future__ import annotations

_DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "俩": 2, "仨": 3, "幺": 1, "壹": 1, "贰": 2, "叁": 3,
}  # fmt: skip
_TENS = {"廿": "二十", "卅": "三十"}

# What a number looks like inside a larger pattern.
NUMBER = r"(?:\d{1,2}|[零〇一二两三四五六七八九十廿卅俩仨]{1,4})"


def number_of(text: str) -> int | None:
    """25, 二十五, 廿五, 十一, 二五 → the number; None when the characters make none."""
    if text.isascii() and text.isdigit():
        return int(text)
    for short, long in _TENS.items():
        text = text.replace(short, long)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _spelled(text)
    high = _DIGITS.get(tens) if tens else 1
    low = _DIGITS.get(ones) if ones else 0
    return None if high is None or low is None else high * 10 + low


def _spelled(text: str) -> int | None:
    """二零二六 digit by digit; 八九 is eight or nine and no number."""
    if len(text) not in (1, 4):
        return None
    digits = [_DIGITS.get(char) for char in text]
    if not digits or None in digits:
        return None
    return int("".join(str(digit) for digit in digits))
