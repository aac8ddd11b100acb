"""Where the boxes and arrows of a graph of steps lie: what must be done before stands above. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BOX_WIDTH, BOX_HEIGHT = 292, 86
GAP_ACROSS, GAP_DOWN = 24, 44
MARGIN = 8


@dataclass(frozen=True)
class Box:
    """One step, by its upper left corner."""

    code: str
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    """From what must be done to what waits for it; `d` is the path of an SVG."""

    before: str
    after: str
    d: str


@dataclass(frozen=True)
class Drawing:
    """All of it, with its size."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def draw(after: Mapping[str, Sequence[str]]) -> Drawing:
    """The drawing of steps, each with the steps it waits for; those it does not show are left out."""
    rows = _rows(after)
    widest = max((len(row) for row in rows), default=1)
    width = widest * BOX_WIDTH + (widest - 1) * GAP_ACROSS + 2 * MARGIN
    boxes = {
        code: Box(code, _left(column, len(row), width), MARGIN + line * (BOX_HEIGHT + GAP_DOWN))
        for line, row in enumerate(rows)
        for column, code in enumerate(row)
    }
    arrows = tuple(
        Arrow(before, code, _path(boxes[before], boxes[code]))
        for code, needed in after.items()
        for before in needed
        if before in boxes
    )
    height = len(rows) * (BOX_HEIGHT + GAP_DOWN) - GAP_DOWN + 2 * MARGIN
    return Drawing(tuple(boxes.values()), arrows, width, max(height, 2 * MARGIN))


def _rows(after: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each step in the row under the last of those it waits for."""
    depth: dict[str, int] = {}

    def depth_of(code: str, above: frozenset[str]) -> int:
        if code not in depth:
            needed = [step for step in after[code] if step in after and step not in above]
            depth[code] = 1 + max((depth_of(step, above | {code}) for step in needed), default=-1)
        return depth[code]

    rows: dict[int, list[str]] = {}
    for code in after:
        rows.setdefault(depth_of(code, frozenset({code})), []).append(code)
    return [rows[line] for line in sorted(rows)]


def _left(column: int, count: int, width: int) -> int:
    """Rows stand in the middle."""
    taken = count * BOX_WIDTH + (count - 1) * GAP_ACROSS
    return (width - taken) // 2 + column * (BOX_WIDTH + GAP_ACROSS)


def _path(start: Box, end: Box) -> str:
    x1, y1 = start.x + BOX_WIDTH // 2, start.y + BOX_HEIGHT
    x2, y2 = end.x + BOX_WIDTH // 2, end.y
    middle = (y1 + y2) // 2
    return f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2 - 7}"
