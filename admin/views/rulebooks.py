"""What the pages of a rulebook have in common: tables, editions, an import with a dry run before it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from admin.base import PageHandler
from admin.forms import Day, Filters, Form
from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.rulebooks.editions import EditionInfo, Preview, as_csv
from backend.rulebooks.reading import decode
from backend.rulebooks.service import Rulebook, Upload
from backend.rulebooks.tables import Table, write_cell
from backend.rulebooks.workbooks import MARK, WorkbookError, read_sheet

MOST_ROWS_SHOWN = 500
LONGEST_TEXT = 900_000


class EditionFilters(Filters):
    """Which edition."""

    edition: int | None = Field(None, ge=1, le=999_999, title="版本")


class ImportForm(Form):
    """A table's new content; a file counts before what stands in the box."""

    content: str = Field("", max_length=LONGEST_TEXT, title="内容")
    effective_on: Day = Field(title="生效日期")
    source: str = Field("", max_length=200, title="来源")
    base: int = Field(0, ge=0, title="基于版本")
    act: str = Field("preview", pattern="^(preview|apply)$", title="操作")


class StartForm(Form):
    """Begin with what comes with the program."""

    act: str = Field("", max_length=10, title="操作")


@dataclass(frozen=True)
class Shelf:
    """Where the pages of a book are, what stands over them, and what it begins with."""

    path: str
    section: str
    start_source: str


async def show_tables(handler: PageHandler, rulebook: Rulebook, shelf: Shelf, *, writes: bool) -> None:
    """Every table with its size, and every edition."""
    edition = await rulebook.in_force()
    editions = await rulebook.list_editions()
    handler.show_page(
        "rulebooks/tables.html",
        book=rulebook.book,
        shelf=shelf,
        edition=edition,
        editions=editions,
        planned=[each for each in editions if each.effective_on > clock.today()],
        makers=await _makers(handler, editions),
        writes=writes,
    )


async def show_table(
    handler: PageHandler,
    rulebook: Rulebook,
    shelf: Shelf,
    name: str,
    *,
    writes: bool,
    number: int | None = None,
    preview: Preview | None = None,
    text: str | None = None,
) -> None:
    """One table of an edition, the box to change it in, and what a dry run found."""
    table = _table(rulebook, name)
    edition = await rulebook.read(number) if number else await rulebook.in_force()
    rows = edition.rows(table.name)
    cells = [[write_cell(column, row.get(column.name)) for column in table.columns] for row in rows]
    places = {column.name for column in table.columns if column.refers == "organization"}
    handler.show_page(
        "rulebooks/table.html",
        book=rulebook.book,
        shelf=shelf,
        table=table,
        edition=edition,
        rows=cells[:MOST_ROWS_SHOWN],
        count=len(cells),
        places=[column.name in places for column in table.columns],
        names=await _place_names(handler, cells, table),
        preview=preview,
        text=as_csv(table, rows) if text is None else text,
        today=clock.today(),
        writes=writes and (number is None or number == edition.number),
    )


async def import_table(
    handler: PageHandler, rulebook: Rulebook, shelf: Shelf, name: str, body: ImportForm
) -> None:
    """The dry run, or the import itself."""
    text = sent_text(handler) or body.content
    upload = Upload(_table(rulebook, name).name, text, body.effective_on, body.source)
    if body.act == "apply":
        await rulebook.apply(handler.actor, upload, body.base)
        handler.go(f"{shelf.path}/{name}", "edition-made")
        return
    preview = await rulebook.preview(upload)
    await show_table(handler, rulebook, shelf, name, writes=True, preview=preview, text=text)


async def begin(handler: PageHandler, rulebook: Rulebook, shelf: Shelf, text: str) -> None:
    """Make the first edition of what comes with the program. Raises CONFLICT when there is one."""
    if (await rulebook.list_editions())[:1]:
        raise AppError(ErrorCode.CONFLICT, "begun already")
    await rulebook.apply(handler.actor, Upload("", text, clock.today(), shelf.start_source), 0)
    handler.go(shelf.path, "edition-made")


async def export_table(handler: PageHandler, rulebook: Rulebook, name: str, number: int | None) -> None:
    """A table as CSV that the import reads again."""
    table = _table(rulebook, name)
    edition = await rulebook.read(number) if number else await rulebook.in_force()
    handler.set_header("Content-Type", "text/csv; charset=utf-8")
    named = f"{rulebook.book.name}-{table.name}-{edition.number}.csv"
    handler.set_header("Content-Disposition", f'attachment; filename="{named}"')
    handler.finish("\ufeff" + as_csv(table, edition.rows(table.name)))


def sent_text(handler: PageHandler) -> str:
    """The text of a file that came with the form, a workbook's first sheet; empty without one.

    Raises BAD_REQUEST.
    """
    files = handler.request.files.get("file", [])
    if not files or not files[0].body:
        return ""
    content = files[0].body
    if content.startswith(MARK):
        try:
            return read_sheet(content)
        except WorkbookError as error:
            told = "Excel 文件读不出来，请另存为 .xlsx 或 CSV 再导入。"
            raise AppError(ErrorCode.BAD_REQUEST, f"workbook {error}", text=told) from None
    text = decode(content)
    if text is None:
        raise AppError(
            ErrorCode.BAD_REQUEST,
            "encoding",
            text="文件不是文本，请另存为 Excel（.xlsx）或 CSV（UTF-8、GB18030）再导入。",
        )
    return text


def _table(rulebook: Rulebook, name: str) -> Table:
    table = rulebook.book.table(name)
    if table is None:
        raise not_found("table")
    return table


async def _makers(handler: PageHandler, editions: list[EditionInfo]) -> dict[str, str]:
    members = await handler.services.staff.names({each.made_by for each in editions})
    return {"system": "系统", **members}


async def _place_names(handler: PageHandler, cells: list[list[str]], table: Table) -> dict[str, str]:
    column = next((n for n, each in enumerate(table.columns) if each.refers == "organization"), None)
    ids = {row[column] for row in cells[:MOST_ROWS_SHOWN]} if column is not None else set()
    found = await handler.services.directory.organizations_by_id(ids)
    return {place.id: place.name for place in found.values()}
