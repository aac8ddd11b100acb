"""How days, times, fees, sessions and links are said in an answer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from backend import clock

_WEEKDAYS = "一二三四五六日"
_NEAR = {0: "今天", 1: "明天", 2: "后天"}
PERIODS = {"am": "上午", "pm": "下午", "evening": "晚上", "night": "夜间", "day": "全天"}
KINDS = {"general": "普通号", "expert": "专家号", "special": "特需号", "vaccination": "接种"}


def day(on: date) -> str:
    """明天11月23日（周一）."""
    near = next((name for days, name in _NEAR.items() if on == clock.today() + timedelta(days=days)), "")
    return f"{near}{on.month}月{on.day}日（周{_WEEKDAYS[on.weekday()]}）"


def time_of(at: datetime) -> str:
    """09:30, in the city."""
    return f"{at.astimezone(clock.CITY_ZONE):%H:%M}"


def yuan(fen: int) -> str:
    """15元, or 15.50元."""
    whole, rest = divmod(fen, 100)
    return f"{whole}.{rest:02d}元" if rest else f"{whole}元"


def fee(fen: int) -> str:
    """免挂号费, or 挂号费15元."""
    return f"挂号费{yuan(fen)}" if fen else "免挂号费"


def page(app_url: str, path: str = "", **query: str) -> str:
    """The address of a page of the app, for a browser or WeChat."""
    address = app_url.rstrip("/")
    if not path:
        return f"{address}/"
    asked = f"?{urlencode(query)}" if query else ""
    return f"{address}/#/pages/{path}/index{asked}"
