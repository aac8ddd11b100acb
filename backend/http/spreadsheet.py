"""Lists as files for spreadsheets: CSV that opens with its Chinese intact and runs nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# Without it the usual spreadsheet takes UTF-8 for something else.
BYTE_ORDER_MARK = "\ufeff"
# A cell that begins like this is a formula to a spreadsheet, whoever wrote the text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Sequence[str]], *, first: bool = False) -> str:
    """Rows as text; `first` when the file begins with them."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return f"{BYTE_ORDER_MARK if first else ''}{text.getvalue()}"


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
