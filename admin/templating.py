"""The console's Jinja2 environment: strict, escaping, with filters that turn our values into Chinese."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from admin import words
from backend.clock import CITY_ZONE
from backend.permissions import Permission

FOLDER = Path(__file__).parent
STATIC_FOLDER = FOLDER / "static"
_WEEKDAYS = "一二三四五六日"


def yuan(fen: int | None) -> str:
    """1250 becomes ¥12.50; money is never a float."""
    if fen is None:
        return "—"
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}¥{fen // 100:,}.{fen % 100:02d}"


def local_time(instant: datetime | None, *, seconds: bool = False) -> str:
    """An instant on the city's clock."""
    if instant is None:
        return "—"
    return instant.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def clock_time(instant: datetime | None) -> str:
    """Hours and minutes on the city's clock."""
    return "—" if instant is None else instant.astimezone(CITY_ZONE).strftime("%H:%M")


def clock_time_after(instant: datetime, on: date) -> str:
    """Hours and minutes; a night's session goes on after the midnight of its day, and that is said."""
    after = instant.astimezone(CITY_ZONE).date() > on
    return f"次日{clock_time(instant)}" if after else clock_time(instant)


def day(on: date | str | None) -> str:
    """2026-11-21 becomes 2026-11-21 周六."""
    if on is None:
        return "—"
    on = date.fromisoformat(on) if isinstance(on, str) else on
    return f"{on.isoformat()} 周{_WEEKDAYS[on.weekday()]}"


def short_day(on: date) -> str:
    """For a row of days: 11-21."""
    return f"{on:%m-%d}"


def weekday(on: date) -> str:
    """周六"""
    return f"周{_WEEKDAYS[on.weekday()]}"


def told(facts: dict[str, Any]) -> str:
    """A few facts in one line, money as money, the channel's states in words."""
    return "，".join(f"{words.of(words.FACTS, name)} {_fact(name, value)}" for name, value in facts.items())


def _fact(name: str, value: Any) -> str:
    if name.endswith("_fen"):
        return yuan(value)
    return words.of(words.CHANNEL_STATES, value) if name == "state" else str(value)


def percent(part: int, whole: int) -> str:
    """A share without a decimal point; a dash when there is no whole."""
    return f"{round(part * 100 / whole)}%" if whole else "—"


@cache
def asset(name: str) -> str:
    """The address of a static file with its content's hash, so that browsers keep it until it changes."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"/admin/static/{name}?v={digest}"


def has_asset(name: str) -> bool:
    """Whether a file that is installed and not kept with the source is there."""
    return (STATIC_FOLDER / name).is_file()


@pass_context
def with_query(context: Context, to: str = "", **changes: Any) -> str:
    """This page's address, or another's, with some parameters changed; None or empty takes one away."""
    query = {**context["query"], **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "") and name != "done"}
    path: str = to or context["path"]
    return f"{path}?{urlencode(kept)}" if kept else path


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        yuan=yuan,
        told=told,
        local_time=local_time,
        clock_time=clock_time,
        clock_time_after=clock_time_after,
        day=day,
        short_day=short_day,
        weekday=weekday,
    )
    env.globals.update(P=Permission, words=words, asset=asset, with_query=with_query, percent=percent)
    return env


environment = _environment()


def render(template: str, values: dict[str, Any]) -> str:
    """A template with its values."""
    return environment.get_template(template).render(values)
