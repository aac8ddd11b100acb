"""What staff do with messages that go out: look, correct, send again, set aside; say where they go."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.exchange.v2.desk import check_city
from backend.exchange.v2.outbound_models import CHARSETS, VERSIONS, Outgoing, OutState, Target
from backend.exchange.v2.outbound_noting import Noting, control_id
from backend.exchange.v2.outbound_store import OutgoingStore
from backend.exchange.v2.outbound_targets import TargetStore
from backend.exchange.v2.parsing import lines_of, read_header
from backend.exchange.v2.ports import Readings
from backend.exchange.v2.views import Line, lines_for
from backend.ids import new_id
from backend.permissions import Actor
from backend.records.ids import owner_of

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]{2,39}\]?")
_NO_CONTROL = "请保留一条完整的消息，以 MSH 开头，消息类型和编号（MSH-9、MSH-10）不变。"


@dataclass(frozen=True)
class OutboundDesk:
    """The console's way to what goes out, within what an actor may see."""

    targets: TargetStore
    outgoing: OutgoingStore
    noting: Noting
    audit: AuditService
    readings: Readings

    # -- messages ------------------------------------------------------------------------------------------

    async def list_messages(
        self, actor: Actor, organization_id: str, state: OutState | None, cursor: str, limit: int
    ) -> tuple[list[Outgoing], str | None]:
        """Messages, the newest first, and the cursor of the next page."""
        within = actor.organization_ids
        if organization_id:
            _check_scope(actor, organization_id)
            within = frozenset({organization_id})
        states = (state,) if state else ()
        found = await self.outgoing.list_of(within, states, _read_cursor(cursor), limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return page, f"{page[-1].fact_at.isoformat()},{page[-1].id}" if more else None

    async def count(self, actor: Actor, state: OutState) -> int:
        """How many stand there."""
        return await self.outgoing.count(actor.organization_ids, state)

    async def access(self, actor: Actor, message_id: str) -> Outgoing:
        """A message within the actor's hospitals; any other looks like none."""
        message = await self.outgoing.find(message_id)
        if message is None:
            raise not_found(f"outgoing {message_id}")
        _check_scope(actor, message.organization_id)
        return message

    async def lines(self, actor: Actor, message_id: str) -> list[Line]:
        """Its segments, masked."""
        message = await self.access(actor, message_id)
        return await self._lines(message, masked=True)

    async def reveal(self, actor: Actor, message_id: str, reason: str) -> list[Line]:
        """Its segments as they go out; who looked and why is on record."""
        message = await self.access(actor, message_id)
        await self._note_seen(actor, message, reason)
        return await self._lines(message, masked=False)

    async def open_for_editing(self, actor: Actor, message_id: str, reason: str) -> str:
        """Its text, a line for each segment, to be corrected; reading it is on record."""
        message = await self._access_dead(actor, message_id)
        await self._note_seen(actor, message, reason)
        return "\n".join(lines_of(await self.outgoing.text_of(message.id)))

    async def correct(self, actor: Actor, message_id: str, text: str, reason: str) -> Outgoing:
        """Send a dead letter with another text; the first one is kept beside it."""
        message = await self._access_dead(actor, message_id)
        corrected = "\r".join(lines_of(text)) + "\r"
        before, after = read_header(await self.outgoing.text_of(message.id)), read_header(corrected)
        if (before.kind, before.control_id) != (after.kind, after.control_id):
            raise AppError(ErrorCode.BAD_REQUEST, "not this message", text=_NO_CONTROL)
        await self._record(actor, "exchange.correct", message, reason)
        return await self._again(message, corrected, edited=True)

    async def send_again(self, actor: Actor, message_id: str, reason: str) -> Outgoing:
        """Send a dead letter as it is: after the hospital has mended its side."""
        message = await self._access_dead(actor, message_id)
        await self._record(actor, "exchange.send_again", message, reason)
        return await self._again(message, await self.outgoing.text_of(message.id), edited=False)

    async def set_aside(self, actor: Actor, message_id: str, reason: str) -> None:
        """Nothing more is to be done with a dead letter; what came after it goes out."""
        message = await self._access_dead(actor, message_id)
        await self._record(actor, "exchange.set_aside", message, reason)
        if not await self.outgoing.set_aside(message):
            raise AppError(ErrorCode.CONFLICT, "no dead letter")

    async def _again(self, message: Outgoing, text: str, *, edited: bool) -> Outgoing:
        number = message.control_id
        if message.verdict == "AE" or edited:
            # The hospital has answered this number, and would only give that answer again.
            number = control_id(message.id, new_id())
            text = _renumbered(text, number)
        if not await self.outgoing.send_again(message, number, text, edited=edited):
            raise AppError(ErrorCode.CONFLICT, "no dead letter")
        return replace(message, state=OutState.WAITING, control_id=number, edited=edited or message.edited)

    async def _lines(self, message: Outgoing, *, masked: bool) -> list[Line]:
        text = await self.outgoing.text_of(message.id)
        return lines_for(text.encode(), "utf-8", masked=masked)

    async def _note_seen(self, actor: Actor, message: Outgoing, reason: str) -> None:
        await self._record(actor, "exchange.reveal", message, reason)
        about, _, id = message.stream.partition("/")
        if about == "order":
            await self.readings.note_message(actor, message.organization_id, owner_of(id), [id])

    async def _access_dead(self, actor: Actor, message_id: str) -> Outgoing:
        message = await self.access(actor, message_id)
        if message.state is not OutState.DEAD:
            raise AppError(ErrorCode.CONFLICT, "no dead letter", text="这条消息现在不需要处理。")
        return message

    async def _record(self, actor: Actor, action: str, message: Outgoing, basis: str) -> None:
        await self.audit.record(actor, action, f"outgoing/{message.id}", basis, message.organization_id)

    # -- where they go -------------------------------------------------------------------------------------

    async def list_targets(self, actor: Actor) -> list[Target]:
        """Where the actor's hospitals want their messages."""
        return await self.targets.list_of(actor.organization_ids)

    async def write_target(self, actor: Actor, target: Target) -> None:
        """Say where a hospital's messages go: for those who act for the whole city."""
        check_city(actor)
        if problem := _problem(target):
            raise AppError(ErrorCode.BAD_REQUEST, "target", text=problem)
        await self.targets.write(target)
        self.noting.forget_targets()
        await self._record_target(actor, "exchange.target", target.organization_id)

    async def pause(self, actor: Actor, organization_id: str, *, paused: bool) -> None:
        """Stop sending to a hospital, or go on; what happens meanwhile is queued."""
        check_city(actor)
        if not await self.targets.pause(organization_id, paused=paused):
            raise not_found(f"target {organization_id}")
        await self._record_target(
            actor, "exchange.target_pause" if paused else "exchange.target", organization_id
        )

    async def _record_target(self, actor: Actor, action: str, organization_id: str) -> None:
        await self.audit.record(actor, action, f"target/{organization_id}", "city", organization_id)


def _problem(target: Target) -> str:
    if not _HOST.fullmatch(target.host):
        return "请填写医院接口的主机名或 IP 地址。"
    if not 0 < target.port < 65_536:
        return "端口应为 1 至 65535 的整数。"
    if target.version not in VERSIONS or target.charset not in CHARSETS:
        return "版本和字符集请从列表中选择。"
    if not target.families:
        return "请至少选择一类消息。"
    return ""


def _renumbered(text: str, number: str) -> str:
    first, mark, rest = text.partition("\r")
    fields = first.split(first[3])
    fields[9] = number
    return first[3].join(fields) + mark + rest


def _check_scope(actor: Actor, organization_id: str) -> None:
    if not actor.covers(organization_id):
        raise not_found("another hospital's")


def _read_cursor(text: str) -> tuple[datetime, str] | None:
    at, _, message_id = text.partition(",")
    try:
        return (datetime.fromisoformat(at).astimezone(UTC), message_id) if message_id else None
    except (ValueError, OverflowError):
        return None
