"""What staff do with messages: look, unmask, correct, replay, set aside; say whose a sender is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.exchange.v2 import parsing
from backend.exchange.v2.charsets import known_charset
from backend.exchange.v2.mapping.codes import Table, city_tables
from backend.exchange.v2.models import Kept, MessageQuery, MessageState, Sender, SenderKind
from backend.exchange.v2.ports import Gate, Reader, Readings
from backend.exchange.v2.processing import Processing
from backend.exchange.v2.receiving import Receiver
from backend.exchange.v2.resource_lines import ResourceLine, lines_of
from backend.exchange.v2.rules import Problem
from backend.exchange.v2.sender_store import SenderStore
from backend.exchange.v2.store import MessageStore
from backend.exchange.v2.table_store import TableStore
from backend.exchange.v2.views import Line, lines_for, text_for
from backend.ids import new_id
from backend.permissions import Actor, Permission
from backend.records.ids import owner_of
from backend.records.models import RecordQuery

MOST_SHOWN = 50
_EDITABLE = 200_000
_MOST_ROWS = 2_000
_RECENT = 300
_REPLAYED = (MessageState.DEAD, MessageState.DONE, MessageState.WAITING, MessageState.SET_ASIDE)


@dataclass(frozen=True)
class MessageFilter:
    """What a list of messages shows."""

    organization_id: str = ""
    state: MessageState | None = None
    kind: str = ""
    on: date | None = None
    cursor: str = ""


@dataclass(frozen=True)
class TableView:
    """A code table as it holds for one hospital, and the codes that lately met no row."""

    table: Table
    own: Mapping[str, str]
    unknown: list[tuple[str, int]]


@dataclass(frozen=True)
class Desk:
    """The console's way to messages, within what an actor may see."""

    store: MessageStore
    senders: SenderStore
    tables: TableStore
    receiver: Receiver
    processing: Processing
    audit: AuditService
    readings: Readings
    gate: Gate
    reader: Reader

    # -- looking -------------------------------------------------------------------------------------------

    async def list_messages(
        self, actor: Actor, wanted: MessageFilter, limit: int
    ) -> tuple[list[Kept], str | None]:
        """Messages, the newest first, and the cursor of the next page."""
        within = actor.organization_ids
        if wanted.organization_id:
            _check_scope(actor, wanted.organization_id)
            within = frozenset({wanted.organization_id})
        since = clock.city_instant(wanted.on, 0) if wanted.on else None
        query = MessageQuery(
            organization_ids=within,
            states=(wanted.state,) if wanted.state else (),
            kind=wanted.kind.upper().replace("_", "^"),
            since=since,
            until=since + timedelta(days=1) if since else None,
            before=_read_cursor(wanted.cursor),
            limit=limit + 1,
        )
        found = await self.store.list_of(query)
        page = found[:limit]
        more = len(found) > limit
        return page, f"{page[-1].received_at.isoformat()},{page[-1].id}" if more else None

    async def count_dead(self, actor: Actor) -> int:
        """How many dead letters wait."""
        return await self.store.count_dead(actor.organization_ids)

    async def access(self, actor: Actor, message_id: str) -> Kept:
        """A message within the actor's hospitals; any other looks like none."""
        kept = await self.store.find(message_id)
        if kept is None:
            raise not_found(f"message {message_id}")
        _check_scope(actor, kept.organization_id)
        return kept

    async def lines(self, actor: Actor, message_id: str) -> list[Line]:
        """Its segments, masked."""
        kept = await self.access(actor, message_id)
        return lines_for(await self.store.raw_of(kept.id), kept.charset, masked=True)

    async def became(self, actor: Actor, kept: Kept) -> list[ResourceLine]:
        """What its first resources are and say, without names; the reading is on record."""
        named = kept.resources[:MOST_SHOWN]
        if not named:
            return []
        basis = await self.gate.messages(actor, kept.organization_id)
        ids = tuple(each.rpartition("/")[2] for each in named)
        found = await self.reader.search(basis, RecordQuery(ids=ids, limit=MOST_SHOWN))
        return lines_of(named, found.items)

    async def reveal(self, actor: Actor, message_id: str, reason: str) -> list[Line]:
        """Its segments as they came; who looked and why is on record."""
        kept = await self.access(actor, message_id)
        await self._note_seen(actor, kept, reason)
        return lines_for(await self.store.raw_of(kept.id), kept.charset, masked=False)

    async def _note_seen(self, actor: Actor, kept: Kept, reason: str) -> None:
        await self._record(actor, "exchange.reveal", f"message/{kept.id}", reason, kept.organization_id)
        about: dict[str, list[str]] = {kept.chart_id: []} if kept.chart_id else {}
        for each in kept.resources:
            # They are kept as `Type/id`; a message may be about several people.
            id = each.rpartition("/")[2]
            about.setdefault(owner_of(id), []).append(id)
        for chart_id, ids in about.items():
            await self.readings.note_message(actor, kept.organization_id, chart_id, ids)

    # -- dead letters --------------------------------------------------------------------------------------

    async def open_for_editing(self, actor: Actor, message_id: str, reason: str) -> str:
        """Its text, to be corrected; reading it is on record."""
        kept = await self.access(actor, message_id)
        if kept.state is not MessageState.DEAD or kept.size > _EDITABLE:
            raise AppError(ErrorCode.CONFLICT, "not editable", text="这条消息不能在这里修改。")
        await self._note_seen(actor, kept, reason)
        return text_for(await self.store.raw_of(kept.id), kept.charset)

    async def correct(self, actor: Actor, message_id: str, text: str, reason: str) -> Kept:
        """Process a corrected copy in the place of a dead letter; the original stays as it came."""
        kept = await self.access(actor, message_id)
        if kept.state is not MessageState.DEAD:
            raise AppError(ErrorCode.CONFLICT, "no dead letter")
        messages = parsing.open_envelope("\r".join(parsing.lines_of(text))).messages
        if len(messages) != 1 or not messages[0].startswith("MSH"):
            raise AppError(ErrorCode.BAD_REQUEST, "no message", text="请保留一条完整的消息，以 MSH 开头。")
        raw = messages[0].encode()
        copy = replace(
            kept,
            id=new_id(),
            state=MessageState.WAITING,
            verdict="",
            reason="",
            problems=(),
            answer=b"",
            size=len(raw),
            charset="utf-8",
            received_at=clock.now(),
            copied_from=kept.id,
        )
        await self._record(actor, "exchange.correct", f"message/{kept.id}", reason, kept.organization_id)
        await self.store.add(copy, raw)
        outcome = await self.receiver.resume(copy)
        if not isinstance(outcome, Problem):
            await self.store.move(kept.id, [MessageState.DEAD], MessageState.REPLACED, replaced_by=copy.id)
        return await self.access(actor, copy.id)

    async def replay(self, actor: Actor, message_id: str, reason: str) -> Kept:
        """Map a message once more: after a code table was filled, or when a fault was ours."""
        kept = await self.access(actor, message_id)
        if kept.state not in _REPLAYED:
            raise AppError(ErrorCode.CONFLICT, "was replaced")
        await self._record(actor, "exchange.replay", f"message/{kept.id}", reason, kept.organization_id)
        await self.receiver.resume(kept)
        return await self.access(actor, message_id)

    async def set_aside(self, actor: Actor, message_id: str, reason: str) -> None:
        """Nothing more is to be done with a dead letter."""
        kept = await self.access(actor, message_id)
        await self._record(actor, "exchange.set_aside", f"message/{kept.id}", reason, kept.organization_id)
        if not await self.store.move(kept.id, [MessageState.DEAD], MessageState.SET_ASIDE):
            raise AppError(ErrorCode.CONFLICT, "no dead letter")

    # -- senders -------------------------------------------------------------------------------------------

    async def list_senders(self, actor: Actor) -> list[Sender]:
        """Names on the wire, and whose they are."""
        return await self.senders.list_of(actor.organization_ids)

    async def allow(
        self, actor: Actor, kind: SenderKind, value: str, organization_id: str, charset: str
    ) -> Sender:
        """Say whose a name is: for those who act for the whole city."""
        check_city(actor)
        value = value.strip()
        if kind is SenderKind.PORT and not (value.isascii() and value.isdigit() and 0 < int(value) < 65_536):
            raise AppError(ErrorCode.BAD_REQUEST, "port", text="端口应为 1 至 65535 的整数。")
        if kind is SenderKind.PORT:
            value = str(int(value))  # as a connection names it: without zeros before
        if not value or len(value) > 200 or (charset and not known_charset(charset)):
            raise AppError(ErrorCode.BAD_REQUEST, "sender", text="请填写标识；字符集请从列表中选择。")
        sender = await self.senders.allow(kind, value, organization_id, charset)
        await self._record(actor, "exchange.allow", f"sender/{sender.id}", "city", organization_id)
        return sender

    async def block(self, actor: Actor, sender: str) -> None:
        """Take nothing from a name any more."""
        check_city(actor)
        found = await self.senders.find(sender)
        if found is None:
            raise not_found(f"sender {sender}")
        await self.senders.block(found.kind, found.value, found.organization_id)
        await self._record(actor, "exchange.block", f"sender/{sender}", "city", found.organization_id or None)

    # -- code tables ---------------------------------------------------------------------------------------

    async def list_tables(self, actor: Actor, organization_id: str) -> list[TableView]:
        """Every table as it holds for a hospital."""
        _check_scope(actor, organization_id)
        codes = await self.tables.codes_of(organization_id)
        unknown = await self._unknown(organization_id)
        return [
            TableView(table, codes.own.get(key, {}), unknown.get(key, []))
            for key, table in city_tables().items()
        ]

    async def table(self, actor: Actor, organization_id: str, key: str) -> TableView:
        """One table as it holds for a hospital."""
        for view in await self.list_tables(actor, organization_id):
            if view.table.key == key:
                return view
        raise not_found(f"table {key}")

    async def write_table(
        self, actor: Actor, organization_id: str, key: str, rows: Mapping[str, str]
    ) -> None:
        """Put a hospital's rows in the place of those before; they hold for messages from now on."""
        view = await self.table(actor, organization_id, key)
        check_targets(view.table, rows)
        await self.tables.write(organization_id, key, rows, actor.id)
        self.processing.forget_codes(organization_id)
        await self._record(actor, "exchange.tables", f"table/{key}", "mapping", organization_id)

    async def _unknown(self, organization_id: str) -> dict[str, list[tuple[str, int]]]:
        """Codes of the last messages that no row knew, by table, the most frequent first."""
        query = MessageQuery(organization_ids=frozenset({organization_id}), limit=_RECENT)
        counted: dict[str, Counter[str]] = {}
        for kept in await self.store.list_of(query, with_findings=True):
            for finding in kept.findings:
                if finding.kind.startswith("code:"):
                    counted.setdefault(finding.kind.removeprefix("code:"), Counter())[finding.said] += 1
        return {key: count.most_common(20) for key, count in counted.items()}

    async def _record(
        self, actor: Actor, action: str, object: str, basis: str, organization_id: str | None
    ) -> None:
        await self.audit.record(actor, action, object, basis, organization_id)


def check_targets(table: Table, rows: Mapping[str, str]) -> None:
    """Refuse rows that lead to no code of their table. Raises BAD_REQUEST naming the first."""
    for code, to in rows.items():
        if not table.takes(to):
            known = "、".join(sorted(table.targets)) or f"{table.name}的编码"
            text = f"“{code}”的对应值“{to[:40]}”不是可用的编码。可用：{known}。"
            raise AppError(ErrorCode.BAD_REQUEST, f"target in {table.key}", text=text)


def read_rows(text: str) -> dict[str, str]:
    """Rows as people type them, one a line: code = target. Raises BAD_REQUEST naming the line."""
    rows: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        code, mark, to = line.partition("=")
        if not mark or not code.strip() or not to.strip() or len(line) > 300:
            raise AppError(ErrorCode.BAD_REQUEST, "row", text=f"第 {number} 行应写成“编码 = 对应值”。")
        rows[code.strip()] = to.strip()
    if len(rows) > _MOST_ROWS:
        raise AppError(ErrorCode.BAD_REQUEST, "rows", text=f"一张表最多 {_MOST_ROWS} 行。")
    return rows


def _check_scope(actor: Actor, organization_id: str) -> None:
    if actor.organization_ids is not None and organization_id not in actor.organization_ids:
        raise not_found("another hospital's")


def keeps_senders(actor: Actor) -> bool:
    """Whether somebody may say whose a name is: only who acts for the whole city."""
    return actor.organization_ids is None and actor.may(Permission.STAFF_EXCHANGE_SENDERS_MANAGE)


def check_city(actor: Actor) -> None:
    """Refuse whoever keeps no senders. Raises FORBIDDEN."""
    if not keeps_senders(actor):
        raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_EXCHANGE_SENDERS_MANAGE)


def _read_cursor(text: str) -> tuple[datetime, str] | None:
    at, _, message_id = text.partition(",")
    try:
        # Into UTC here: a time at the edge of the calendar would fail in the database's driver.
        return (datetime.fromisoformat(at).astimezone(UTC), message_id) if message_id else None
    except (ValueError, OverflowError):
        return None
