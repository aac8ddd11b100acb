"""What open data answers as JSON, and what an edition of a month is kept as."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from backend.http.schema import Answer, Instant

# A hidden number is text; one that nobody knows is null.
Cell = str | int | float | None


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
    editions_url: str


class ColumnOut(Answer):
    """One column of a dataset."""

    code: str
    name: str


class ChangeOut(Answer):
    """A figure that differs from the edition before: in how many values, and the whole city's of both."""

    figure: str
    name: str
    values: int
    before: Cell
    after: Cell


class EditionRef(Answer):
    """An edition of a month; the checksum is the SHA-256 of its file."""

    month: str
    edition: int
    published_at: Instant
    checksum: str


class EditionOut(EditionRef):
    """An edition, where its file is, and what differs from the one before."""

    url: str
    changes: list[ChangeOut]


class EditionsOut(Answer):
    """Every edition, the oldest month first."""

    publisher: str
    licence: LicenceOut
    items: list[EditionOut]


class TableOut(Answer):
    """A dataset's content: rows in the order of the columns; `hidden` is what stands for a hidden number."""

    code: str
    title: str
    what: str
    licence: str
    publisher: str
    until_on: date
    hidden: str
    editions: list[EditionRef] = Field(description="Of which edition each month is.")
    columns: list[ColumnOut]
    rows: list[list[Cell]]


class FigureOut(Answer):
    """A figure that a month tells."""

    code: str
    name: str
    unit: str


class InstitutionOut(Answer):
    """An institution's month; what belongs to no single institution has no id."""

    institution_id: str
    institution: str
    district: str
    values: dict[str, Cell]


class PartOut(Answer):
    """A channel or a kind of a figure."""

    figure: str
    part: str
    part_name: str
    value: Cell


class MonthOut(Answer):
    """One edition of one month, as it was published: it never changes."""

    month: str
    edition: int
    published_at: Instant
    licence: str
    hidden: str
    figures: list[FigureOut]
    total: dict[str, Cell]
    institutions: list[InstitutionOut]
    parts: list[PartOut]
    changes: list[ChangeOut]
