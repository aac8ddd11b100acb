"""`/open-data`: the page that says what is published, the catalogue, and each dataset in three forms."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend.http.base import APIHandler
from backend.http.endpoint import operation, public
from backend.http.schema import Answer
from backend.http.spreadsheet import lines
from backend.http.workbook import KIND, Sheet, workbook
from backend.statistics.definitions import book
from backend.statistics.open_data import HIDDEN, Table, catalogue

REASON = "the city's figures by whole months, without anybody in them, published for everybody"
CACHED = "public, max-age=3600"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_FOLDER = Path(__file__).parent / "templates"
_templates = Environment(
    loader=PackageLoader("backend.statistics", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class LicenceOut(Answer):
    """Under what others may use the data."""

    code: str
    name: str
    url: str
    text: str


class DatasetOut(Answer):
    """One dataset with the addresses of its three forms."""

    code: str
    title: str
    what: str
    csv_url: str
    json_url: str
    xlsx_url: str


class CatalogueOut(Answer):
    """What is published."""

    publisher: str
    licence: LicenceOut
    hidden: str
    datasets: list[DatasetOut]


class ColumnOut(Answer):
    """One column of a dataset."""

    code: str
    name: str


class TableOut(Answer):
    """A dataset's content: rows in the order of the columns; `hidden` is what stands for a hidden number."""

    code: str
    title: str
    what: str
    licence: str
    publisher: str
    until_on: date
    hidden: str
    columns: list[ColumnOut]
    rows: list[list[str | int | float | None]]


class OpenDataHandler(APIHandler):
    """What all of it shares: whose it is, and that caches may keep it."""

    @property
    def publisher(self) -> str:
        """Whose data it is."""
        return self.city.settings.city_name

    def send(self, content: str | bytes, kind: str, name: str = "") -> None:
        """A file, or a page where it has no name."""
        self.set_header("Content-Type", kind)
        self.set_header("Cache-Control", CACHED)
        if name:
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(content)


class IndexHandler(OpenDataHandler):
    """The page."""

    @public(REASON)
    @operation("Open data: the page", tag="open data", rate_limit="open_data", media="text/html")
    async def get(self) -> None:
        """In Chinese: what is published, under which licence, and what each figure means."""
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        known = book()
        page = _templates.get_template("open_data.html").render(
            publisher=self.publisher,
            catalogue=catalogue(),
            figures=[each for each in known.figures if each.open_data],
            assumptions=known.assumptions,
            hidden=HIDDEN,
        )
        self.send(page, "text/html; charset=utf-8")


class StyleHandler(OpenDataHandler):
    """The page's style sheet."""

    @public("a style sheet")
    @operation("Open data: the page's style sheet", tag="open data", media="text/css")
    async def get(self) -> None:
        """CSS."""
        self.send((_FOLDER / "open_data.css").read_bytes(), "text/css; charset=utf-8")


class CatalogueHandler(OpenDataHandler):
    """The catalogue."""

    @public(REASON)
    @operation("Open data: what is published", tag="open data", rate_limit="open_data")
    async def get(self) -> CatalogueOut:
        """Every dataset with the addresses of its forms, and the licence."""
        known = catalogue()
        self.set_header("Cache-Control", CACHED)
        return CatalogueOut(
            publisher=self.publisher,
            licence=LicenceOut.model_validate(known.licence, from_attributes=True),
            hidden=HIDDEN,
            datasets=[
                DatasetOut(
                    code=each.code,
                    title=each.title,
                    what=each.what,
                    csv_url=f"/open-data/{each.code}.csv",
                    json_url=f"/open-data/{each.code}.json",
                    xlsx_url=f"/open-data/{each.code}.xlsx",
                )
                for each in known.datasets
            ],
        )


class JSONHandler(OpenDataHandler):
    """A dataset as JSON."""

    @public(REASON)
    @operation("Open data: a dataset as JSON", tag="open data", rate_limit="open_data")
    async def get(self, dataset: str) -> TableOut:
        """Columns and rows; `<5` stands for numbers too small to be shown, null for what is not known."""
        table = await self.services.statistics.open_data.table(dataset)
        self.set_header("Cache-Control", CACHED)
        return TableOut(
            code=table.dataset.code,
            title=table.dataset.title,
            what=table.dataset.what,
            licence=catalogue().licence.code,
            publisher=self.publisher,
            until_on=table.until_on,
            hidden=HIDDEN,
            columns=[ColumnOut(code=each.code, name=each.name) for each in table.columns],
            rows=[list(row) for row in table.rows],
        )


class CSVHandler(OpenDataHandler):
    """A dataset as CSV."""

    @public(REASON)
    @operation("Open data: a dataset as CSV", tag="open data", rate_limit="open_data", media="text/csv")
    async def get(self, dataset: str) -> None:
        """UTF-8 with a byte order mark, heads in Chinese."""
        content = await self.services.statistics.open_data.file(dataset, "csv", _rows)
        self.send(content, "text/csv; charset=utf-8", f"{dataset}.csv")


class XLSXHandler(OpenDataHandler):
    """A dataset as an Excel workbook."""

    @public(REASON)
    @operation("Open data: a dataset as Excel", tag="open data", rate_limit="open_data", media=KIND)
    async def get(self, dataset: str) -> None:
        """The table, and a sheet that says where it is from and under which licence."""
        content = await self.services.statistics.open_data.file(dataset, "xlsx", self._book)
        self.send(content, KIND, f"{dataset}.xlsx")

    def _book(self, table: Table) -> bytes:
        licence = catalogue().licence
        about = [
            ("发布单位", self.publisher),
            ("数据截至", table.until_on.isoformat()),
            ("许可", licence.name),
            ("许可网址", licence.url),
            ("说明", f"{table.dataset.what}{HIDDEN} 表示数值过小或为防止推算而不公开。"),
        ]
        return workbook(
            [
                Sheet(table.dataset.title, [column.name for column in table.columns], table.rows),
                Sheet("说明", ["项目", "内容"], about),
            ]
        )


def _rows(table: Table) -> bytes:
    head = [column.name for column in table.columns]
    rows = [head, *([_text(cell) for cell in row] for row in table.rows)]
    return lines(rows, first=True).encode()


def _text(cell: str | int | float | None) -> str:
    return "" if cell is None else str(cell)


# Whatever is asked for by the name of a file here is answered here, and not by the web app.
_DATASET = r"/open-data/(?P<dataset>[^/]+)"
# What people open in a browser, and what programs read.
page_routes = [(r"/open-data", IndexHandler), (r"/open-data/page\.css", StyleHandler)]
routes = [
    (r"/open-data/index\.json", CatalogueHandler),
    (_DATASET + r"\.json", JSONHandler),
    (_DATASET + r"\.csv", CSVHandler),
    (_DATASET + r"\.xlsx", XLSXHandler),
]
