"""Orders to another institution by message: placed, changed, cancelled, each once and in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.directory.models import External, Organization
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.outbound_models import (
    VERSIONS,
    Family,
    Letter,
    Named,
    OrderStep,
    OrderStory,
    OutState,
    Target,
    Whom,
)
from backend.exchange.v2.outbound_ordering import steps_of
from backend.exchange.v2.outbound_orders import order_kind, write_order
from backend.exchange.v2.receiving import look
from backend.exchange.v2.segments import Content
from backend.ids import new_id
from backend.patient_index.models import OURS, Chart, ChartNumber, Demographics
from backend.permissions import Actor, Role
from backend.records.models import Kind, Resource, Source
from backend.worker.events import Event
from tests.backend.exchange.v2.test_outbound import deliver, queued, received, want
from tests.factories.records import a_source, make_chart, make_resources
from tests.support.city import Surroundings, TestCity, id_number, open_test_city

AT = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
PLACED = clock.now()
HERE, THERE = "A" * 26, "B" * 26
NUMBER = id_number(91)


@dataclass
class Way:
    """A clinic that orders, and the town's hospital, which performs."""

    town: TestCity
    clinic: Organization
    chart: Chart

    async def order(self, **more: Any) -> None:
        body = order_body(self.chart.id, self.town.hospital.id) | more
        await make_resources(self.town.city.services, self.chart, body)

    async def told(self) -> list[Content]:
        """What the hospital has been told by now."""
        await self.town.work()
        await deliver(self.town)
        return [read(one["text"]) for one in await received(self.town)]


def order_body(chart_id: str, performer_id: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "_key": "order:CT1",
        "status": "active",
        "intent": "order",
        "identifier": [
            {"value": "F9"},
            {"value": "CT1", "type": {"coding": [{"code": "PLAC"}]}},
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2", "display": "胸部CT"}]},
        "subject": {"reference": f"Patient/{chart_id}"},
        "performer": [
            {"reference": "Practitioner/x", "display": "王医生"},
            {"identifier": {"system": "urn:healthycity:organizations", "value": performer_id}},
        ],
        "priority": "stat",
        "occurrenceDateTime": "2026-03-03T09:00:00+08:00",
        "reasonCode": [{"text": "咳嗽|两周"}],
        "requester": {"identifier": {"value": "D1"}, "display": "周医生"},
        "note": [{"text": "青霉素过敏"}],
        "authoredOn": PLACED.isoformat(),
    }


def read(text: str) -> Content:
    content, problems = look(text, training=False)
    assert problems == []
    assert content is not None
    return content


def field(content: Content, name: str, number: int, component: int = 1) -> str:
    return next(content.each(name)).text(number, component)


@pytest.fixture
async def way(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Way]:
    async with open_test_city(surroundings, mongo_uri, db) as town:
        services = town.city.services
        clinic = replace(
            town.hospital,
            id=new_id(),
            external=External("test", "clinic"),
            name="城东卫生院",
            short_name="城东",
        )
        await services.directory.save_organizations([clinic])
        chart = await make_chart(services, clinic.id, name="钱小红", id_number=NUMBER, sex="female")
        yield Way(town, clinic, chart)


async def test_an_order_is_placed_changed_and_called_back_once_each_and_in_order(way: Way) -> None:
    town, services = way.town, way.town.city.services
    known = ChartNumber("HIS", "MR0042")
    await make_chart(services, town.hospital.id, name="钱小红", id_number=NUMBER, number=known)
    await want(town, families=frozenset({Family.ORM}))
    await way.order()
    await way.order()  # The same again is no other version.
    await way.order(priority="routine")
    await way.order(priority="routine", text={"status": "generated", "div": "<div>CT</div>"})
    await way.order(status="revoked")
    jobs = [job async for job in town.city.db.collection("resources").find({"events_due": True})]
    events = [Event.from_doc(event) for job in jobs for event in job["events"]]
    changed = [event for event in events if event.kind == "order.changed"]
    assert len(changed) == 4
    noting = services.exchange.outbound.noting
    for event in [*reversed(changed), *changed]:
        await noting.on_order(event)
    placed, moved, ended = await way.told()
    assert await deliver(town) == 0

    assert [field(one, "ORC", 1) for one in (placed, moved, ended)] == ["NW", "XO", "CA"]
    for one in (placed, moved, ended):
        assert field(one, "MSH", 9) + field(one, "MSH", 9, 2) == "ORMO01"
        assert [field(one, "ORC", 2), field(one, "ORC", 2, 2)] == ["CT1", way.clinic.id]
        assert next(one.each("PID")).rep(3).c(1) == "MR0042"
        assert field(one, "PID", 5) == "钱小红"
    assert field(placed, "OBR", 2) == "CT1"
    assert [field(placed, "OBR", 4, n) for n in (1, 2, 3)] == ["24627-2", "胸部CT", "LN"]
    assert [field(placed, "OBR", 5), field(moved, "OBR", 5)] == ["S", "R"]
    assert field(placed, "OBR", 6) == "20260303090000+0800"
    assert field(placed, "OBR", 31, 2) == "咳嗽|两周"
    assert [field(placed, "ORC", 12), field(placed, "ORC", 12, 2)] == ["D1", "周医生"]
    assert field(placed, "ORC", 21) == "城东卫生院"
    assert field(placed, "NTE", 3) == "青霉素过敏"
    assert {one["times"] for one in await received(town)} == {1}
    assert len({message.control_id for message in await queued(town)}) == 3
    stored = await town.city.db.collection("hl7_outbound").find_one({})
    assert "钱小红" not in str(stored)
    entry = await town.city.db.collection("audit").find_one({"action": "exchange.tell"})
    assert entry is not None
    assert entry["basis"] == "asked to perform the order"


async def test_who_is_not_known_there_comes_with_the_senders_number_in_its_name(way: Way) -> None:
    # A chart that the city began in its place is known to nobody there.
    ours = ChartNumber(OURS, way.chart.person_id)
    services = way.town.city.services
    await make_chart(services, way.town.hospital.id, name="钱小红", id_number=NUMBER, number=ours)
    await want(way.town, families=frozenset({Family.ORM, Family.OML}))
    await way.order()
    await way.order(_key="order:2", category=[{"coding": [{"code": "laboratory"}]}])
    imaging, lab = sorted(await way.told(), key=lambda one: field(one, "MSH", 9, 2))
    assert [field(one, "MSH", 9) + field(one, "MSH", 9, 2) for one in (imaging, lab)] == ["OMGO19", "OMLO21"]
    number, *_ = next(imaging.each("PID")).reps(3)
    assert (number.c(1), number.c(4)) == (way.chart.number.value, way.clinic.id)
    assert [field(imaging, "TQ1", 7), field(imaging, "TQ1", 9)] == ["20260303090000+0800", "S"]
    assert field(imaging, "OBR", 5) == ""
    # Another message is wanted from now on: what has been told stays told.
    await want(way.town, families=frozenset({Family.ORM}), version="2.4")
    await way.order(status="entered-in-error")
    assert sorted(message.kind for message in await queued(way.town)) == ["OMG^O19", "OML^O21"]
    await way.told()
    kinds = [(m.kind, m.state) for m in await queued(way.town) if m.order != "000001"]
    assert kinds == [("ORM^O01", OutState.SENT)]


async def test_who_wants_no_orders_or_performs_its_own_is_told_nothing(way: Way) -> None:
    services = way.town.city.services
    await want(way.town, families=frozenset({Family.SIU, Family.REF}))
    await way.order()
    await way.town.work()
    read_ = {"action": "records.read", "actor_id": {"$regex": "^hl7:"}}
    assert await way.town.city.db.collection("audit").count_documents(read_) == 0
    await want(way.town, families=frozenset({Family.ORM}))
    own = await make_chart(services, way.town.hospital.id, name="赵一", id_number=id_number(92))
    await make_resources(services, own, order_body(own.id, way.town.hospital.id))
    unnamed = order_body(way.chart.id, "") | {"_key": "order:3", "performer": [{"display": "检验科"}]}
    await make_resources(services, way.chart, unnamed)
    assert await way.told() == []


async def test_an_order_that_is_taken_out_of_the_record_is_called_back(way: Way) -> None:
    services = way.town.city.services
    await want(way.town, families=frozenset({Family.ORM}))
    body = order_body(way.chart.id, way.town.hospital.id)
    [written] = await make_resources(services, way.chart, body)
    await services.records.delete(way.clinic.id, written.id, a_source(way.clinic.id))
    assert [field(one, "ORC", 1) for one in await way.told()] == ["NW", "CA"]


async def test_an_order_by_message_names_its_performer_in_prt(way: Way) -> None:
    exchange = way.town.city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "WSY", way.clinic.id, "")
    await want(way.town, families=frozenset({Family.ORM}))

    async def say(number: int, *lines: str, kind: str = "ORM^O01") -> None:
        head = f"MSH|^~\\&|HIS|WSY|CITY|HUB|20260301083000||{kind}|M{number}|P|2.5||||||UNICODE UTF-8"
        pid = f"PID|1||J001^^^HIS^MR~{NUMBER}^^^CHN^NI||钱小红||19900101|F"
        [answer] = await exchange.receiver.take("\r".join([head, pid, *lines, ""]).encode(), Link())
        assert b"MSA|AA" in answer

    there = way.town.hospital.name
    request = "OBR|1|P77^HIS||GLU^空腹血糖^L|||20260303"
    await say(1, "ORC|NW|P77^HIS", request, f"PRT||AD||PO||||{there}")
    # Who changes or cancels an order need not say again who performs it.
    await say(2, "ORC|XO|P77^HIS", request.replace("空腹血糖", "餐后血糖"))
    await say(3, "ORC|CA|P77^HIS")
    # Who has performed what was measured is nobody to be asked for it.
    result = ["ORC|SC|P78^HIS|L78", request.replace("P77^HIS|", "P78^HIS|L78"), f"PRT||AD||PO||||{there}"]
    await say(4, *result, "OBX|1|NM|GLU^空腹血糖^L||5.8|mmol/L|||||F", kind="ORU^R01")
    told = await way.told()
    assert [(field(one, "ORC", 1), field(one, "OBR", 4, 2)) for one in told] == [
        ("NW", "空腹血糖"),
        ("XO", "餐后血糖"),
        ("CA", "餐后血糖"),
    ]
    assert {field(one, "OBR", 2) for one in told} == {"P77"}
    assert {field(one, "OBR", 4, 3) for one in told} == {"L"}


# -- what versions make of it ------------------------------------------------------------------------------


def version(number: int, status: str = "active", *, kind: Any = "fhir", **more: Any) -> Resource:
    body = order_body("C", THERE) | {"status": status, "authoredOn": AT.isoformat()} | more
    return Resource(
        "R", "ServiceRequest", "C", HERE, number, Kind.ORDER, AT, 4, status, body if body["code"] else {},
        Source(kind, "S", HERE, AT), not body["code"], (), None, AT, AT + timedelta(minutes=number),
    )  # fmt: skip


def by(*ids: str) -> list[dict[str, Any]]:
    return [{"reference": f"Organization/{id}"} for id in ids]


OTHER = "C" * 26
PLACES = {THERE: THERE, OTHER: OTHER, "市人民医院": THERE}
NAMED = [{"type": "Organization", "display": "市人民医院"}]
REFERRAL = [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(1, "draft"), version(2)], ["2NWB"]),
        ([version(1), version(2, "on-hold"), version(3)], ["1NWB", "2XOB", "3XOB"]),
        ([version(1), version(2, "completed", performer=[])], ["1NWB"]),
        ([version(1), version(2, performer=by(OTHER))], ["1NWB", "2CAB", "2NWC"]),
        ([version(1), version(2, performer=[])], ["1NWB", "2CAB"]),
        ([version(1), version(2, code=None), version(3)], ["1NWB", "2CAB", "3NWB"]),
        ([version(1), version(2, doNotPerform=True)], ["1NWB", "2CAB"]),
        ([version(1, performer=NAMED)], ["1NWB"]),
        # A choice between two, a referral, a plan, no institution of the city, what was long ago.
        ([version(1, performer=by(THERE, OTHER))], []),
        ([version(1, category=REFERRAL)], []),
        ([version(1, intent="plan")], []),
        ([version(1, performer=by("X" * 26))], []),
        ([version(1, authoredOn="2025-12-01")], []),
        ([version(1, kind="bulk")], []),
        ([version(1, "revoked")], []),
        ([version(1, "on-hold")], []),
    ],
)
def test_what_is_told_follows_from_the_versions(versions: list[Resource], expected: list[str]) -> None:
    steps = steps_of(versions[::-1], PLACES)
    assert [f"{step.version}{step.control}{step.receiver_id[0]}" for step in steps] == expected


@pytest.mark.parametrize("version_", VERSIONS)
def test_every_version_is_written_as_it_is_read(version_: str) -> None:
    [step] = steps_of([version(1, occurrenceDateTime="2026-03-03")], PLACES)
    whom = Whom("P" * 26, "王|秀英", NUMBER, "female", None, "", (ChartNumber("HIS", "1"),))
    story = OrderStory("R", "P" * 26, Named(HERE, "城东^卫生院"), whom.numbers[0], Demographics(), (step,))
    for families in ({Family.ORM}, {Family.OML}):
        target = Target(THERE, "h", 1, False, version_, "UNICODE UTF-8", frozenset(families), "HIS", "H")
        for lab in (True, False):
            ordered = replace(step.ordered, lab=lab)
            kind = order_kind(target, ordered)
            one = replace(step, ordered=ordered)
            content = read(write_order(Letter(target, "A" * 20, AT), kind, one, story, whom))
            assert field(content, "ORC", 21) == "城东^卫生院"
            modern = families == {Family.OML} and [int(p) for p in version_.split(".")] >= [2, 5]
            assert (kind != "ORM^O01") == modern
            assert field(content, *(("TQ1", 7) if modern else ("OBR", 6))) == "20260303"


def test_a_held_order_says_so_until_it_is_called_back() -> None:
    steps = steps_of([version(1), version(2, "on-hold"), version(3, "revoked")], PLACES)
    assert [step.ordered.held for step in steps] == [False, True, True]
    assert isinstance(steps[0], OrderStep)


async def test_who_looks_at_an_order_in_clear_is_seen_by_whom_it_is_about(way: Way) -> None:
    services = way.town.city.services
    await want(way.town, families=frozenset({Family.ORM}))
    await way.order()
    await way.town.work()
    [message] = await queued(way.town)
    staff = Actor("staff", new_id(), Role.HOSPITAL_OPERATOR, frozenset({way.town.hospital.id}))
    await services.exchange.outbound.desk.lines(staff, message.id)
    seen = {"action": "records.read", "data.way": "message"}
    audit = way.town.city.db.collection("audit")
    assert await audit.count_documents(seen) == 0, "masked it is nobody's reading"
    await services.exchange.outbound.desk.reveal(staff, message.id, "医院来电核对")
    [entry] = await audit.find(seen).to_list(None)
    person_id = await services.patient_index.person_of(way.chart.id)
    assert (entry["object"], entry["actor_id"]) == (f"person/{person_id}", staff.id)
    assert entry["data"]["resources"] == [message.stream.removeprefix("order/")]
