"""Pages of paper: reports and the life-long file as PDF, made in a process of its own (confined.py)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import segno
from fontTools.ttLib import TTCollection
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

_FAMILY = "cjk"
_GREY, _INK, _RED = (90, 100, 96), (20, 33, 29), (160, 35, 24)
# Of a collection of fonts (.ttc), the one for simplified Chinese; others have other forms of some characters.
_WANTED = "SC"
_CODE_MM = 34.0


class FontMissingError(Exception):
    """There is no font with Chinese characters where the setting points; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `marked` stands out, and not by colour alone."""

    cells: tuple[str, ...]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with what stands below it."""

    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document: who made it out, about whom, and its parts. `mark` says on each page what it is."""

    title: str
    mark: str
    made_at: datetime
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    # An address at which it may be checked, drawn as a QR; "" where there is none.
    address: str = ""


class _Pages(FPDF):
    """A4 with the mark at the foot of each page."""

    def __init__(self, paper: Paper, font: str) -> None:
        super().__init__()
        self._mark = paper.mark
        number = _face_of(font)
        try:
            self.add_font(_FAMILY, "", font, collection_font_number=number)
        except (OSError, ValueError, RuntimeError) as error:
            raise FontMissingError(missing(font)) from error
        self.set_title(paper.title)
        self.set_creator("Healthy City")
        self.set_creation_date(paper.made_at)
        self.set_auto_page_break(True, 22)
        self.set_margins(16, 14)

    def footer(self) -> None:
        """The mark and the page's number."""
        self.set_y(-16)
        self.set_font(_FAMILY, size=8)
        self.set_text_color(*_GREY)
        self.multi_cell(0, 4, f"{self._mark}　第{self.page_no()}页 / 共{{nb}}页", align="C")


def missing(font: str) -> str:
    """What to do when there is no font."""
    return (
        f"no usable font at {font or '(nowhere)'}: install one with Chinese characters "
        "(Debian: fonts-noto-cjk), or set PDF_FONT to a .ttc, .otf or .ttf file"
    )


def as_pdf(paper: Paper, font: str) -> bytes:
    """The document. Raises FontMissingError."""
    if not font or not Path(font).is_file():
        raise FontMissingError(missing(font))
    pages = _Pages(paper, font)
    pages.add_page()
    _line(pages, paper.title, 18)
    _facts(pages, paper.facts)
    for part in paper.parts:
        _part(pages, part)
    if paper.address:
        _code(pages, paper.address)
    return bytes(pages.output())


def _part(pages: _Pages, part: Part) -> None:
    pages.ln(3)
    _line(pages, part.heading, 13)
    _facts(pages, part.facts)
    if part.text:
        pages.set_font(_FAMILY, size=11)
        pages.set_text_color(*_INK)
        pages.multi_cell(0, 6, _clean(part.text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if part.rows:
        _table(pages, part)


def _code(pages: _Pages, address: str) -> None:
    """A QR of an address, with the address below it for whoever cannot scan."""
    rows = [list(row) for row in segno.make_qr(address, error="m").matrix_iter(border=0)]
    size = _CODE_MM / len(rows)
    pages.ln(5)
    if pages.will_page_break(_CODE_MM + 14):
        pages.add_page()
    left, top = pages.get_x(), pages.get_y()
    pages.set_fill_color(0, 0, 0)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                pages.rect(left + across * size, top + down * size, size, size, style="F")
    pages.set_xy(left, top + _CODE_MM + 2)
    pages.set_font(_FAMILY, size=9)
    pages.set_text_color(*_INK)
    pages.multi_cell(0, 4.5, _clean(f"扫码核验：{address}"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _line(pages: _Pages, text: str, size: int) -> None:
    pages.set_font(_FAMILY, size=size)
    pages.set_text_color(*_INK)
    pages.multi_cell(0, size * 0.55, _clean(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _facts(pages: _Pages, facts: tuple[tuple[str, str], ...]) -> None:
    pages.set_font(_FAMILY, size=10)
    for name, value in facts:
        if value:
            pages.set_text_color(*_INK)
            pages.multi_cell(0, 5.5, _clean(f"{name}：{value}"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _table(pages: _Pages, part: Part) -> None:
    pages.set_font(_FAMILY, size=10)
    pages.set_text_color(*_INK)
    pages.set_draw_color(200, 208, 204)
    head = FontFace(emphasis="", fill_color=(233, 238, 236))
    marked = FontFace(color=_RED)
    with pages.table(
        col_widths=part.widths,
        headings_style=head,
        borders_layout="HORIZONTAL_LINES",
        line_height=6,
        text_align="LEFT",
    ) as table:
        table.row([_clean(cell) for cell in part.columns])
        for row in part.rows:
            table.row([_clean(cell) for cell in row.cells], style=marked if row.marked else None)


def _clean(text: str) -> str:
    """Without control characters, which no font has."""
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def _face_of(font: str) -> int:
    """Which font of a collection is for simplified Chinese."""
    if not font.lower().endswith((".ttc", ".otc")):
        return 0
    with TTCollection(font, lazy=True) as collection:
        names = [str(each["name"].getDebugName(1)) for each in collection.fonts]
    return next((number for number, name in enumerate(names) if name.split()[-1] == _WANTED), 0)
