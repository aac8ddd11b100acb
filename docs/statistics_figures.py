"""The table of docs/statistics.md: every figure as its data file defines it, and what is assumed."""

from collections.abc import Mapping
from pathlib import Path

from backend.statistics.board_models import Definition
from backend.statistics.definitions import book

PAGE = Path(__file__).resolve().parent / "statistics.md"
BEGIN = "<!-- Made by docs/generate.py (`make docs`) from backend/statistics/data/definitions.json. -->"
END = "<!-- End of what docs/generate.py makes. -->"
HEAD = ("code", "指标", "单位", "统计口径", "数据来源", "起始", "small numbers hidden")


def statistics_page() -> str:
    """The page as it is, with the table made anew."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("statistics.md has lost the two lines between which the figures stand")
    assumed = [
        f"- `{each.code}`: {each.text}（{_amounts(each.amounts)}）" for each in book().assumptions.values()
    ]
    table = [_row(HEAD), _row(["---"] * len(HEAD)), *(_row(_cells(each)) for each in book().figures)]
    return "\n".join([before + begin, "", *table, "", "What is assumed:", "", *assumed, "", end + after])


def _cells(each: Definition) -> list[str]:
    hides = "yes" if each.hides else "no"
    return [f"`{each.code}`", each.name, each.unit, each.what, each.source, each.since, hides]


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _amounts(amounts: Mapping[str, int]) -> str:
    return "，".join(f"`{channel}` {amount}" for channel, amount in amounts.items())
