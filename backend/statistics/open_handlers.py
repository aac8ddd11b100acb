"""`/open-data`: the page that says what is published, the catalogue, and each dataset in three forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend import clock
from backend.errors import not_found
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public
from backend.http.spreadsheet import lines
from backend.http.workbook import KIND, Sheet, workbook
from backend.statistics.definitions import book
from backend.statistics.open_schemas import (
    CatalogueOut,
    ColumnOut,
    DatasetOut,
    EditionRef,
    EditionsOut,
    LicenceOut,
    MonthOut,
    TableOut,
)
from backend.statistics.open_tables import HIDDEN, Table, catalogue, published

REASON = "the city's figures by whole months, without anybody in them, published for everybody"
CACHED = "public, max-age=3600"
# What an edition says never changes.
KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_REF = set(EditionRef.model_fields)
_MONTH, _NUMBER = re.compile(r"[0-9]{4}-[0-9]{2}"), re.compile(r"[1-9][0-9]{0,5}")
_FOLDER = Path(__file__).parent / "templates"
_templates = Environment(
    loader=PackageLoader("backend.statistics", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class OpenDataHandler(APIHandler):
    """What all of it shares: whose it is, and that caches may keep it."""

    _tag: str | None = None

    @property
    def publisher(self) -> str:
        """Whose data it is."""
        return self.city.settings.city_name

    @property
    def licence(self) -> LicenceOut:
        """Under what others may use it."""
        return LicenceOut.model_validate(catalogue().licence, from_attributes=True)

    async def kept(self, dataset: str, form: str, make: Callable[[Table], bytes]) -> bytes:
        """A dataset in a form. Who has the same already is told so, and sent nothing."""
        file = await self.services.statistics.open_data.file(dataset, form, make)
        self._tag = f'"{file.checksum}"'
        self.set_header("Cache-Control", CACHED)
        return file.content

    def compute_etag(self) -> str | None:
        """By which a cache asks whether what it has is what it would get."""
        return self._tag

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
        editions = await self.services.statistics.open_data.editions()
        page = _templates.get_template("open_data.html").render(
            publisher=self.publisher,
            catalogue=catalogue(),
            figures=published(),
            assumptions=book().assumptions,
            hidden=HIDDEN,
            editions=editions[::-1],
            day=lambda at: clock.civil_date(at).isoformat(),
            told=lambda cell: "空" if cell is None else cell,
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
            licence=self.licence,
            hidden=HIDDEN,
            editions_url="/open-data/editions.json",
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


class EditionsHandler(OpenDataHandler):
    """What was published when."""

    @public(REASON)
    @operation("Open data: every edition of every month", tag="open data", rate_limit="open_data")
    async def get(self) -> EditionsOut:
        """With the checksum of each, where it is, and what differs from the one before."""
        editions = await self.services.statistics.open_data.editions()
        self.set_header("Cache-Control", CACHED)
        return EditionsOut(publisher=self.publisher, licence=self.licence, items=list(editions))


class EditionHandler(OpenDataHandler):
    """An edition of a month."""

    @public(REASON)
    @operation("Open data: an edition of a month", tag="open data", rate_limit="open_data")
    async def get(self, month: str, edition: str) -> MonthOut | bytes:
        """To the letter as it was published, also when there is a later one."""
        content = None
        if _MONTH.fullmatch(month) and _NUMBER.fullmatch(edition):
            content = await self.services.statistics.open_data.edition(month, int(edition))
        if content is None:
            raise not_found("edition")
        self.set_header("Cache-Control", KEPT_FOR_GOOD)
        return content


class JSONHandler(OpenDataHandler):
    """A dataset as JSON."""

    @public(REASON)
    @operation("Open data: a dataset as JSON", tag="open data", rate_limit="open_data")
    async def get(self, dataset: str) -> TableOut | bytes:
        """Columns and rows; `<5` stands for numbers too small to be shown, null for what is not known."""
        return await self.kept(dataset, "json", self._json)

    def _json(self, table: Table) -> bytes:
        answer = TableOut(
            code=table.dataset.code,
            title=table.dataset.title,
            what=table.dataset.what,
            licence=catalogue().licence.code,
            publisher=self.publisher,
            until_on=table.until_on,
            hidden=HIDDEN,
            # Without where it is and what differs: the list of editions says that.
            editions=[EditionRef(**each.model_dump(include=_REF)) for each in table.editions],
            columns=[ColumnOut(code=each.code, name=each.name) for each in table.columns],
            rows=[list(row) for row in table.rows],
        )
        return answer.model_dump_json().encode()


class CSVHandler(OpenDataHandler):
    """A dataset as CSV."""

    @public(REASON)
    @operation("Open data: a dataset as CSV", tag="open data", rate_limit="open_data", media="text/csv")
    async def get(self, dataset: str) -> None:
        """UTF-8 with a byte order mark, heads in Chinese."""
        content = await self.kept(dataset, "csv", _rows)
        self.send(content, "text/csv; charset=utf-8", f"{dataset}.csv")


class XLSXHandler(OpenDataHandler):
    """A dataset as an Excel workbook."""

    @public(REASON)
    @operation("Open data: a dataset as Excel", tag="open data", rate_limit="open_data", media=KIND)
    async def get(self, dataset: str) -> None:
        """The table, and a sheet that says where it is from and under which licence."""
        content = await self.kept(dataset, "xlsx", self._book)
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
        editions = [
            (each.month, each.edition, clock.civil_date(each.published_at).isoformat(), each.checksum)
            for each in table.editions
        ]
        return workbook(
            [
                Sheet(table.dataset.title, [column.name for column in table.columns], table.rows),
                Sheet("说明", ["项目", "内容"], about),
                Sheet("各月版本", ["月份", "版本", "发布日期", "校验和（SHA-256）"], editions),
            ]
        )


def _rows(table: Table) -> bytes:
    head = [column.name for column in table.columns]
    rows = [head, *([_text(cell) for cell in row] for row in table.rows)]
    return lines(rows, first=True).encode()


def _text(cell: str | int | float | None) -> str:
    return "" if cell is None else str(cell)


# Whatever is asked for by the name of a file here is answered here, and not by the web app.
_EDITION = r"/open-data/editions/(?P<month>[^/]+)/(?P<edition>[^/]+)\.json"
_DATASET = r"/open-data/(?P<dataset>[^/]+)"
# What people open in a browser, and what programs read.
page_routes = [(r"/open-data", IndexHandler), (r"/open-data/page\.css", StyleHandler)]
routes = [
    (r"/open-data/index\.json", CatalogueHandler),
    (r"/open-data/editions\.json", EditionsHandler),
    (_EDITION, EditionHandler),
    (_DATASET + r"\.json", JSONHandler),
    (_DATASET + r"\.csv", CSVHandler),
    (_DATASET + r"\.xlsx", XLSXHandler),
]
