"""One real request, at least, for every route of consents, readings and record windows; see examples.py."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from backend import clock
from backend.ids import new_id
from backend.records.models import Purpose
from backend.records.sharing_models import Asked, Terms
from tests.security.examples import INSTITUTION, OWN, PATIENT, Ask, Example
from tests.security.town import Town

CONSENT = "a consent of the owner"
_seconds = itertools.count()


async def _of_owner(town: Town, caller: str) -> Ask:
    return Ask(query={"patient_id": town["owner"].id})


def _limits() -> dict[str, Any]:
    return {"expires_at": (clock.now() + timedelta(days=9)).isoformat()}


async def _give_consent_to_read(town: Town, caller: str) -> Ask:
    recipients = {"organization_ids": [town.mine.organization.id]}
    return Ask(json=_limits() | recipients | {"patient_id": town["owner"].id})


async def _asked_consent(town: Town, caller: str) -> Ask:
    """What the hospital has asked the owner, anew for each."""
    owner = town["owner"].id
    terms = Terms(Purpose.TREAT, clock.now() + timedelta(days=9, seconds=next(_seconds)))
    asked = await town.services.sharing.consents.ask(town.mine.actor, owner, terms, "p1", "会诊")
    return Ask({"consent_id": asked.id}, json={})


async def _given_consent(town: Town, caller: str) -> Ask:
    owner = town.residents["owner"].actor
    asked = await _asked_consent(town, caller)
    await town.services.sharing.consents.grant(owner, asked.path["consent_id"], None)
    return Ask(asked.path)


async def _asked_of_owner(town: Town, caller: str) -> Ask:
    """Somebody at the hospital has read the owner's record."""
    owner = town.residents["owner"]
    await _given_consent(town, caller)
    asked = Asked(practitioner="p1", presented=True)
    basis = await town.services.record_gate.care(town.mine.actor, owner.id, asked)
    await town.services.record_reader.timeline(basis)
    (seen, *_), _ = await town.services.sharing.accesses.list_of(
        owner.actor, owner.id, own=False, cursor=None, limit=1
    )
    return Ask({"access_id": seen.id}, json={"patient_id": owner.id, "text": "我没有在这家医院看过病"})


async def _by_card(town: Town, caller: str) -> Ask:
    return Ask(json={"patient": {"id_number": town["owner"].id_number}, "practitioner": "p1"})


async def _ask_for_consent(town: Town, caller: str) -> Ask:
    by_card = await _by_card(town, caller)
    return Ask(json=by_card.json | _limits() | {"reason": "会诊需要"})


async def _code_of_consent(town: Town, caller: str) -> Ask:
    return Ask((await _asked_consent(town, caller)).path, json={"code": "000000"})


async def _sign(town: Town, caller: str) -> Ask:
    days = {"from_on": str(clock.today()), "until_on": str(clock.today() + timedelta(days=365))}
    patient = {"patient": {"id_number": town["owner"].id_number}}
    return Ask({"external_id": new_id()}, json=patient | days)


async def _signed(town: Town, caller: str) -> Ask:
    """A contract that the hospital has with the owner."""
    number, today = new_id(), clock.today()
    contracts, place = town.services.sharing.contracts, town.mine.organization.id
    await contracts.state(town.mine.actor, place, number, town["owner"].id, today, today)
    return Ask({"external_id": number})


SHARING_EXAMPLES: dict[str, list[Example]] = {
    "GET /api/v1/consents": [Example(PATIENT, _of_owner)],
    "POST /api/v1/consents": [Example(CONSENT, _give_consent_to_read)],
    "POST /api/v1/consents/{consent_id}/grant": [Example(CONSENT, _asked_consent)],
    "POST /api/v1/consents/{consent_id}/deny": [Example(CONSENT, _asked_consent)],
    "POST /api/v1/consents/{consent_id}/revoke": [Example(CONSENT, _given_consent)],
    "GET /api/v1/records/accesses": [Example(PATIENT, _of_owner)],
    "POST /api/v1/records/accesses/{access_id}/questions": [Example(PATIENT, _asked_of_owner)],
    "POST /hospital/v1/consents": [Example(OWN, _ask_for_consent)],
    "GET /hospital/v1/consents/{consent_id}": [Example(INSTITUTION, _asked_consent)],
    "POST /hospital/v1/consents/{consent_id}/sms-codes": [Example(INSTITUTION, _asked_consent, 202)],
    "POST /hospital/v1/consents/{consent_id}/confirm": [Example(INSTITUTION, _code_of_consent, 400)],
    "PUT /hospital/v1/care-contracts/{external_id}": [Example(OWN, _sign)],
    "DELETE /hospital/v1/care-contracts/{external_id}": [Example(INSTITUTION, _signed)],
    "POST /hospital/v1/record-launches": [Example(OWN, _by_card)],
}
