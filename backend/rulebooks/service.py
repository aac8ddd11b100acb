"""The keeper of rulebooks: what is in force today, a dry run of an import, and the import itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.rulebooks.editions import Difference, Edition, EditionInfo, Preview, difference, empty
from backend.rulebooks.reading import Parsed, check_references, parse
from backend.rulebooks.store import RulebookStore
from backend.rulebooks.tables import Book, Resolve, Row

# So long a process goes on with what it has read: a new edition counts from a day on, not from a second.
REMEMBERED_S = 5.0
MOST_EDITIONS = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody wants to import: a table's text, or several tables' as JSON."""

    table: str
    text: str
    effective_on: date
    source: str


class Rulebook:
    """One book: its editions, and the way to a new one."""

    def __init__(
        self,
        book: Book,
        store: RulebookStore,
        audit: AuditService,
        resolver: Callable[[], Awaitable[Resolve]],
    ) -> None:
        self.book = book
        self._store = store
        self._audit = audit
        self._resolver = resolver
        self._remembered: tuple[float, date, Edition] | None = None

    async def in_force(self) -> Edition:
        """What counts today."""
        today, now = clock.today(), time.monotonic()
        if self._remembered and self._remembered[0] > now and self._remembered[1] == today:
            return self._remembered[2]
        edition = await self.on(today)
        self._remembered = (now + REMEMBERED_S, today, edition)
        return edition

    def forget(self) -> None:
        """Read anew what is in force, at the next question."""
        self._remembered = None

    async def on(self, day: date) -> Edition:
        """What counts on a day."""
        info = await self._store.in_force(self.book.name, day)
        return await self._read(info) if info else empty(self.book)

    async def read(self, number: int) -> Edition:
        """An edition by number. Raises NOT_FOUND."""
        info = await self._store.find(self.book.name, number)
        if info is None:
            raise not_found("edition")
        return await self._read(info)

    async def list_editions(self) -> list[EditionInfo]:
        """Newest first."""
        return await self._store.list_editions(self.book.name, MOST_EDITIONS)

    async def preview(self, upload: Upload) -> Preview:
        """What an import would do, and what stands against it; nothing is written."""
        _, preview = await self._try(upload)
        return preview

    async def apply(self, actor: Actor, upload: Upload, base: int) -> EditionInfo:
        """Make a new edition, effective from a day. Raises BAD_REQUEST with problems, CONFLICT when another
        edition came into force since the dry run.
        """
        if not upload.source.strip():
            raise AppError(ErrorCode.BAD_REQUEST, "source", text="请写明来源（发文单位、文号或版本）。")
        if upload.effective_on < clock.today():
            raise AppError(ErrorCode.BAD_REQUEST, "past", text="生效日期不能早于今天。")
        parsed, preview = await self._try(upload)
        if preview.problems:
            text = f"文件有{len(preview.problems)}处问题，没有导入。"
            raise AppError(ErrorCode.BAD_REQUEST, "rows", text=text)
        if preview.changes_nothing:
            raise AppError(ErrorCode.BAD_REQUEST, "same", text="内容与现行版本相同，没有生成新版本。")
        if preview.base != base:
            raise AppError(ErrorCode.CONFLICT, "another edition came between")
        return await self._make(actor, upload, base, parsed.tables)

    async def _try(self, upload: Upload) -> tuple[Parsed, Preview]:
        table = self.book.table(upload.table)
        if upload.table and table is None:
            raise not_found("table")
        before = await self.on(upload.effective_on)
        parsed = parse(self.book, table, upload.text, await self._resolver())
        problems = list(parsed.problems)
        if not problems:
            problems = check_references(self.book, {**before.tables, **parsed.tables})
        return parsed, Preview(before.number, self._differences(before, parsed), tuple(problems))

    def _differences(self, before: Edition, parsed: Parsed) -> tuple[Difference, ...]:
        return tuple(
            difference(table, before.rows(table.name), parsed.tables[table.name])
            for table in self.book.tables
            if table.name in parsed.tables
        )

    async def _make(
        self, actor: Actor, upload: Upload, base: int, tables: Mapping[str, Sequence[Row]]
    ) -> EditionInfo:
        name = self.book.name
        before = (await self._store.find(name, base)) if base else None
        digests = dict(before.tables) if before else {}
        counts = dict(before.counts) if before else {}
        for table, rows in tables.items():
            digests[table] = await self._store.save_table(name, table, rows)
            counts[table] = len(rows)
        info = EditionInfo(
            book=name,
            number=await self._store.newest(name) + 1,
            effective_on=upload.effective_on,
            source=upload.source.strip(),
            made_by=actor.id,
            created_at=clock.now(),
            tables=digests,
            counts=counts,
        )
        if not await self._store.insert(info):
            raise AppError(ErrorCode.CONFLICT, "another edition came between")
        self.forget()
        about = {"number": info.number, "effective_on": info.effective_on.isoformat(), **counts}
        await self._audit.record(
            actor, "rulebooks.edition_made", f"rulebook/{name}", info.source, None, about
        )
        return info

    async def _read(self, info: EditionInfo) -> Edition:
        remembered = self._remembered
        if remembered and remembered[2].number == info.number:
            return replace(remembered[2], info=info)
        return Edition(info, await self._store.read_tables(info.book, info.tables))
