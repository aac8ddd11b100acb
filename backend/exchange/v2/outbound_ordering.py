"""Orders of the record that ask another institution: what becomes a message is read off their versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from backend.directory.models import Organization
from backend.exchange.v2.mapping.codes import system_name
from backend.exchange.v2.outbound_models import Concept, Named, Ordered, OrderStep, OrderStory
from backend.exchange.v2.outbound_writing import instant
from backend.ids import is_id
from backend.patient_index.models import Chart
from backend.permissions import Actor, Role
from backend.records.gate import Gate
from backend.records.models import Body, Resource
from backend.records.reading import RecordReader
from backend.records.times import read_instant
from backend.records.types import MEASURED

# An order that a hospital says so long after it was placed is its history, and nobody is asked for it.
STALE_AFTER = timedelta(days=30)
_ASKING = frozenset({"order", "original-order", "reflex-order", "instance-order"})
_OVER = frozenset({"revoked", "entered-in-error"})
# Referrals have messages of their own; counselling, teaching and operations are no examination.
_NO_EXAMINATION = frozenset({"referral", "3457005", "409063005", "409073007", "387713003"})
_LAB = MEASURED | {"108252007"}
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_SEARCHED = 20


class Index(Protocol):
    """Whose a chart is."""

    async def chart(self, chart_id: str) -> Chart | None: ...


class Places(Protocol):
    """The city's institutions."""

    async def find_organization(self, organization_id: str) -> Organization | None: ...
    async def list_organizations(
        self, *, q: str = "", limit: int = 20
    ) -> tuple[list[Organization], str | None]: ...


@dataclass(frozen=True)
class OrderReader:
    """Reads an order on behalf of the hospital that placed it: what it has written itself, and no more."""

    index: Index
    gate: Gate
    reader: RecordReader
    places: Places

    async def story(self, organization_id: str, chart_id: str, resource_id: str) -> OrderStory | None:
        """An order with what is to be told of it, or None."""
        chart = await self.index.chart(chart_id)
        if chart is None:
            return None
        actor = Actor("client", f"hl7:{organization_id}", Role.HOSPITAL_CLIENT, frozenset({organization_id}))
        versions = await self.reader.history(await self.gate.origin(actor, chart_id), resource_id)
        if not versions:
            return None
        sender = await self.places.find_organization(organization_id)
        return OrderStory(
            resource_id,
            chart.person_id,
            Named(organization_id, sender.name if sender is not None else ""),
            chart.number,
            chart.who,
            steps_of(versions, await self._named(organization_id, versions)),
        )

    async def _named(self, sender_id: str, versions: Sequence[Resource]) -> dict[str, str]:
        """The other institutions of the city that these versions name, by how they name them."""
        said = {name for one in versions for names in performers_of(one.body) for name in names}
        found = {name: await self._institution(name) for name in sorted(said)}
        return {name: id for name, id in found.items() if id and id != sender_id}

    async def _institution(self, name: str) -> str:
        if is_id(name):
            place = await self.places.find_organization(name)
            return place.id if place is not None else ""
        listed, _ = await self.places.list_organizations(q=name[:100], limit=_SEARCHED)
        return next((place.id for place in listed if name in (place.name, place.short_name)), "")


def steps_of(versions: Sequence[Resource], institutions: Mapping[str, str]) -> tuple[OrderStep, ...]:
    """What institutions are told of an order: placed, changed, cancelled, by the version that says so."""
    steps: list[OrderStep] = []
    told: dict[str, Ordered] = {}
    for one in sorted(versions, key=lambda version: version.version):
        receiver = _receiver(one, institutions)
        over = one.deleted or one.status in _OVER or bool(one.body.get("doNotPerform"))
        if not over and one.status not in ("active", "on-hold"):
            # Completed, or as it was: there is nothing to be called back, and nothing new to be done.
            continue
        for other in [other for other in told if over or other != receiver]:
            steps.append(OrderStep("CA", one.version, one.updated_at, other, told.pop(other)))
        if over or not receiver:
            continue
        ordered = _ordered(one)
        if receiver not in told and (one.status != "active" or _is_history(one)):
            continue
        if ordered != told.get(receiver):
            control = "XO" if receiver in told else "NW"
            steps.append(OrderStep(control, one.version, one.updated_at, receiver, ordered))
            told[receiver] = ordered
    return tuple(steps)


def performers_of(body: Body) -> Iterator[tuple[str, ...]]:
    """Each performer that may be an institution, by what may name it: id, number, name."""
    for party in _objects(body.get("performer")):
        said = party.get("identifier")
        reference = str(party.get("reference", ""))
        kind, _, id = reference.rpartition("/")
        is_place = kind.rpartition("/")[2] == "Organization" or party.get("type") == "Organization"
        number = str(said.get("value", "")) if isinstance(said, dict) else ""
        names = (id if is_place else "", number if is_id(number) else "")
        yield tuple(filter(None, (*names, str(party.get("display", "")) if is_place else "")))


def _receiver(order: Resource, institutions: Mapping[str, str]) -> str:
    """The one institution that is asked. Several are a choice, which somebody has yet to make."""
    body = order.body
    if body.get("intent") not in _ASKING or _codes(body.get("category")) & _NO_EXAMINATION:
        return ""
    asked = {
        next((institutions[name] for name in names if name in institutions), "")
        for names in performers_of(body)
    } - {""}
    return asked.pop() if len(asked) == 1 else ""


def _is_history(order: Resource) -> bool:
    if order.source.kind == "bulk":
        return True
    placed = read_instant(order.body.get("authoredOn"))
    return placed is not None and placed < order.updated_at - STALE_AFTER


def _ordered(order: Resource) -> Ordered:
    body = order.body
    codes = _codes(body.get("category"))
    period = body.get("occurrencePeriod")
    span: Body = period if isinstance(period, dict) else {"start": body.get("occurrenceDateTime")}
    concepts = [_concept(one) for one in _objects(body.get("reasonCode"))]
    return Ordered(
        number=_number(body) or order.id,
        code=_concept(body.get("code") or {}),
        lab=bool(codes & _LAB),
        section=next(iter(_codings(body.get("category"), _SECTIONS)), ""),
        priority=str(body.get("priority", "")),
        wanted_from=_time(span.get("start")),
        wanted_until=_time(span.get("end")),
        requester=_requester(body.get("requester")),
        reasons=tuple(one for one in concepts if one.codings or one.text),
        notes=tuple(_notes(body)),
        held=order.status == "on-hold",
    )


def _number(body: Body) -> str:
    """The placer's number; else whichever the sender calls it by."""
    numbers = [one for one in _objects(body.get("identifier")) if one.get("value")]
    placers = [one for one in numbers if "PLAC" in _codes(one.get("type"))]
    return next((str(one["value"]) for one in (*placers, *numbers)), "")


def _concept(said: Any) -> Concept:
    if not isinstance(said, dict):
        return Concept()
    text = str(said.get("text", ""))
    codings = [one for one in _objects(said.get("coding")) if one.get("code")]
    return Concept(
        tuple(
            (str(one["code"]), str(one.get("display") or text), system_name(str(one.get("system", ""))))
            for one in codings
        ),
        text,
    )


def _requester(said: Any) -> Named | None:
    if not isinstance(said, dict):
        return None
    number = said.get("identifier")
    named = Named(
        str(number.get("value", "")) if isinstance(number, dict) else "", str(said.get("display", ""))
    )
    return named if named.code or named.name else None


def _notes(body: Body) -> Iterator[str]:
    sites = [_concept(one) for one in _objects(body.get("bodySite"))]
    words = [one.text or next((name or code for code, name, _ in one.codings), "") for one in sites]
    if any(words):
        yield "部位：" + "、".join(filter(None, words))
    for note in _objects(body.get("note")):
        if note.get("text"):
            yield str(note["text"])
    if body.get("patientInstruction"):
        yield str(body["patientInstruction"])


def _time(said: Any) -> str:
    """A day as a day, an instant as an instant."""
    at = read_instant(said)
    if at is None:
        return ""
    text = str(said)
    return instant(at) if "T" in text else text.replace("-", "")


def _codings(said: Any, system: str = "") -> Iterator[str]:
    for concept in said if isinstance(said, list) else [said]:
        for coding in _objects(concept.get("coding")) if isinstance(concept, dict) else ():
            if coding.get("code") and system in ("", coding.get("system")):
                yield str(coding["code"])


def _codes(said: Any) -> set[str]:
    return set(_codings(said))


def _objects(said: Any) -> Iterable[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
