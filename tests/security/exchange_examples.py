"""Requests for HL7 messages and message templates, in the console (examples.py says how they are read)."""

from __future__ import annotations

import itertools

from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.outbound_models import Family, Target
from backend.messages.models import MessageKind
from backend.messages.templates import Draft
from backend.permissions import SYSTEM
from tests.factories.exchange import RESULT, make_dead_outgoing
from tests.security.console_examples import CITY, INSTITUTION, OWN, REASON
from tests.security.examples import Ask, Example, plain
from tests.security.town import Town

_numbers = itertools.count(1)
_KIND = MessageKind.REFUND_SUCCEEDED
_FIRST = {"kind": str(_KIND), "number": "1"}


async def _dead_letter(town: Town, caller: str) -> Ask:
    """A message without its patient's name, and its text put right."""
    exchange, control = town.services.exchange, f"X{next(_numbers)}"
    right = RESULT.decode().replace("|F1|P|", f"|{control}|P|")
    await exchange.senders.allow(SenderKind.FACILITY, "QY", town.mine.organization.id, "")
    await exchange.receiver.take(right.replace("王秀英", "").encode(), Link())
    kept = await town.city.city.db.collection("hl7_messages").find_one({"control_id": control})
    assert kept is not None
    return Ask({"message_id": kept["_id"]}, form={**REASON, "text": right.replace("\r", "\n")})


async def _to_be_read(town: Town, caller: str) -> Ask:
    """The same, with nothing but a reason: why its text is opened, or the message dealt with."""
    return Ask((await _dead_letter(town, caller)).path, form=REASON)


async def _new_sender(town: Town, caller: str) -> Ask:
    named = {"kind": "facility", "value": f"SENDER{next(_numbers)}", "charset": ""}
    return Ask(form={**named, "organization": town.mine.organization.id})


async def _sender(town: Town, caller: str) -> Ask:
    value = f"SENDER{next(_numbers)}"
    senders = town.services.exchange.senders
    sender = await senders.allow(SenderKind.FACILITY, value, town.mine.organization.id, "")
    return Ask({"sender_id": sender.id}, form={})


async def _table(town: Town, caller: str) -> Ask:
    path = {"organization_id": town.mine.organization.id, "table": "interpretation"}
    return Ask(path, form={"rows": "偏高 = H", "step": "write"})


async def _words(town: Town, caller: str) -> Ask:
    """The first version's own words, as the form shows them."""
    wording = (await town.services.messages.templates.read(_KIND, 1)).wording
    typed = {
        "lines": "\n".join(f"{label}｜{text}" for label, text in wording.lines),
        "wechat": "\n".join(f"{name}｜{text}" for name, text in wording.wechat.items()),
    }
    typed |= {"title": wording.title, "sms": wording.sms, "approved": wording.approved}
    return Ask(_FIRST, form={**typed, "note": "照旧"})


async def _version(town: Town, caller: str) -> Ask:
    """A version that was written after the first: only of such a one providers' names are kept."""
    templates = town.services.messages.templates
    first = (await templates.read(_KIND, 1)).wording
    draft = Draft(first.title, first.lines, first.sms, first.approved, dict(first.wechat))
    made = await templates.write(SYSTEM, _KIND, draft)
    form = {**REASON, "aliyun_sms": "SMS_490001", "tencent_sms": "490001"}
    return Ask({"kind": str(_KIND), "number": str(made.number)}, form=form)


async def _refused(town: Town, caller: str) -> Ask:
    """A message that its hospital will not have."""
    message = await make_dead_outgoing(town.services, town.mine.organization.id)
    return Ask({"message_id": message}, form=REASON)


async def _target(town: Town, caller: str) -> Ask:
    place = town.mine.organization.id
    said = {"host": "127.0.0.1", "port": "9", "families": "SIU", "version": "2.4", "charset": "UNICODE UTF-8"}
    return Ask(form={**said, "organization": place})


async def _paused(town: Town, caller: str) -> Ask:
    place, families = town.mine.organization.id, frozenset({Family.SIU})
    target = Target(place, "127.0.0.1", 9, False, "2.4", "UNICODE UTF-8", families, "", "")
    await town.services.exchange.outbound.desk.targets.write(target)
    return Ask({"organization_id": place, "what": "pause"}, form={})


EXCHANGE_PAGES: dict[str, list[Example]] = {
    "GET /admin/exchange": [plain(OWN)],
    "GET /admin/exchange/messages/{message_id}": [Example(INSTITUTION, _to_be_read)],
    "GET /admin/exchange/messages/{message_id}/reveal": [Example(INSTITUTION, _to_be_read)],
    "POST /admin/exchange/messages/{message_id}/reveal": [Example(INSTITUTION, _to_be_read)],
    "GET /admin/exchange/messages/{message_id}/edit": [Example(INSTITUTION, _to_be_read)],
    "POST /admin/exchange/messages/{message_id}/edit": [
        Example(INSTITUTION, _dead_letter, 303),
        Example(INSTITUTION, _to_be_read),
    ],
    "GET /admin/exchange/messages/{message_id}/replay": [Example(INSTITUTION, _to_be_read)],
    "POST /admin/exchange/messages/{message_id}/replay": [Example(INSTITUTION, _to_be_read, 303)],
    "GET /admin/exchange/messages/{message_id}/set-aside": [Example(INSTITUTION, _to_be_read)],
    "POST /admin/exchange/messages/{message_id}/set-aside": [Example(INSTITUTION, _to_be_read, 303)],
    "GET /admin/exchange/senders": [plain(OWN)],
    "POST /admin/exchange/senders": [Example(CITY, _new_sender, 303)],
    "POST /admin/exchange/senders/{sender_id}/block": [Example(CITY, _sender, 303)],
    "GET /admin/exchange/outbound": [plain(OWN)],
    "GET /admin/exchange/outbound/{message_id}": [Example(INSTITUTION, _refused)],
    **{
        f"{method} /admin/exchange/outbound/{{message_id}}/{step}": [Example(INSTITUTION, _refused, status)]
        for step, done in (("reveal", 200), ("edit", 200), ("send-again", 303), ("set-aside", 303))
        for method, status in (("GET", 200), ("POST", done))
    },
    "GET /admin/exchange/targets": [plain(OWN)],
    "POST /admin/exchange/targets": [Example(CITY, _target, 303)],
    "POST /admin/exchange/targets/{organization_id}/{what}": [Example(CITY, _paused, 303)],
    "GET /admin/exchange/tables": [plain(OWN)],
    "GET /admin/exchange/tables/{organization_id}/{table}": [Example(INSTITUTION, _table)],
    "POST /admin/exchange/tables/{organization_id}/{table}": [Example(INSTITUTION, _table, 303)],
    "GET /admin/messages/templates/{kind}/{number}": [plain(OWN, path=_FIRST)],
    "GET /admin/messages/templates/{kind}/{number}/write": [plain(CITY, path=_FIRST)],
    "POST /admin/messages/templates/{kind}/{number}/write": [Example(CITY, _words, 303)],
    "POST /admin/messages/templates/{kind}/{number}/choose": [Example(CITY, _version, 303)],
    "POST /admin/messages/templates/{kind}/{number}/ids": [Example(CITY, _version, 303)],
}
