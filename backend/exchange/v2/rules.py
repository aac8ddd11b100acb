"""What a message must bring: header, known event, required segments and fields (data/events.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from backend.exchange.v2.parsing import Header
from backend.exchange.v2.segments import Content

DATA = Path(__file__).parent / "data"
# Table 0357, as far as it is used here.
ERRORS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "207": "Application internal error",
}


class Location(NamedTuple):
    """Where in a message: segment, which of its name, field, component."""

    segment: str
    at: int = 1
    field: int | None = None
    component: int | None = None

    def __str__(self) -> str:
        where = self.segment if self.at == 1 else f"{self.segment}({self.at})"
        if self.field is not None:
            where += f"-{self.field}"
        return where if self.component is None else f"{where}.{self.component}"


@dataclass(frozen=True)
class Problem:
    """Why a message is not accepted: the code of table 0357, where, and the sentence for people."""

    # AE: the sender corrects the data. AR: it will not be accepted as it is by anybody, or not now.
    verdict: str
    code: str
    text: str
    where: Location | None = None


@cache
def tables() -> dict[str, Any]:
    """The tables of data/events.toml."""
    return tomllib.loads((DATA / "events.toml").read_text("utf-8"))


def header_problems(header: Header, *, training: bool) -> list[Problem]:
    """What the header alone says against a message, the gravest first."""
    known, events = tables(), tables()["events"]
    found = []
    if not header.type:
        found.append(Problem("AR", "200", "MSH-9 没有消息类型", Location("MSH", 1, 9)))
    elif header.type not in events:
        found.append(Problem("AR", "200", f"不接收 {_short(header.type)} 类消息", Location("MSH", 1, 9, 1)))
    elif header.event not in events[header.type]:
        found.append(Problem("AR", "201", f"不接收事件 {_short(header.kind)}", Location("MSH", 1, 9, 2)))
    if header.version and header.version not in known["versions"]:
        found.append(
            Problem(
                "AR", "203", f"不支持 {_short(header.version)} 版，请用 2.3 至 2.8", Location("MSH", 1, 12)
            )
        )
    if header.processing_id and header.processing_id not in known["processing"]:
        found.append(Problem("AR", "202", "MSH-11 应为 P、T 或 D", Location("MSH", 1, 11)))
    elif header.processing_id in ("T", "D") and not training:
        found.append(Problem("AR", "202", "正式环境只接收 MSH-11 为 P 的消息", Location("MSH", 1, 11)))
    for number, value in ((10, header.control_id), (11, header.processing_id), (12, header.version)):
        if not value:
            found.append(Problem("AE", "101", f"缺少 MSH-{number}", Location("MSH", 1, number)))
    return found


def content_problems(header: Header, content: Content) -> list[Problem]:
    """Which segments and fields of the event's table are missing."""
    need = tables()["needs"][tables()["events"][header.type][header.event]]
    found = []
    for names in need["segments"]:
        if not any(content.first(name) for name in names.split("|")):
            name = names.split("|")[0]
            found.append(Problem("AE", "100", f"缺少 {names.replace('|', ' 或 ')} 段", Location(name)))
    if found:
        return found
    for places in need["fields"]:
        options = [place.split("-") for place in places.split("|")]
        segments = [(content.first(name), int(number)) for name, number in options]
        if not any(segment is not None and segment.has(number) for segment, number in segments):
            name, number = options[0]
            text = f"缺少 {places.replace('|', ' 或 ')}"
            found.append(Problem("AE", "101", text, Location(name, 1, int(number))))
    return found


def _short(text: str) -> str:
    return text[:12]
