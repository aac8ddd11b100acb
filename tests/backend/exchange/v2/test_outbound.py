"""Messages to hospitals over real sockets: told once, in order, again when in doubt; people mend the rest."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.db.client import Database
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.outbound_line import ClientTLS
from backend.exchange.v2.outbound_models import Family, OutState, Target
from backend.exchange.v2.outbound_sending import MOST_SILENCES, Courier
from backend.exchange.v2.parsing import read_header
from backend.exchange.v2.receiving import look
from backend.permissions import SYSTEM
from backend.worker.events import Event, EventKind
from tests.backend.exchange.v2.test_identity import issue, key_of
from tests.support.city import Surroundings, TestCity, open_test_city
from tests.support.polling import poll

REASON = "医院已更正"


@pytest.fixture
async def town(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def want(town: TestCity, port: int = 0, **more: Any) -> Target:
    """The town's hospital wants its bookings by message: in the sandbox, or where a test listens."""
    target = Target(
        organization_id=town.hospital.id,
        host="127.0.0.1",
        port=port or (await town.outside.get("his"))["port"],
        tls=False,
        version="2.5.1",
        charset="GB 18030-2000",
        families=frozenset({Family.SIU, Family.REF}),
        app="HIS",
        facility="SRMYY",
    )
    target = replace(target, **more)
    await town.city.services.exchange.outbound.desk.write_target(SYSTEM, target)
    return target


async def book(town: TestCity, who: Any, schedule: Any) -> str:
    body = {"schedule_id": schedule.id, "patient_id": who.id}
    return (await town.call("POST", "/api/v1/appointments", as_=who, json=body))["id"]


async def cancel(town: TestCity, who: Any, appointment: str) -> None:
    await town.call("POST", f"/api/v1/appointments/{appointment}/cancel", as_=who, json={})


async def deliver(town: TestCity) -> int:
    """What the mllp process does every second; whatever was put off is due."""
    db = town.city.db
    await db.collection("hl7_outbound").update_many({}, [{"$set": {"due_at": "$fact_at"}}])
    await db.collection("hl7_targets").update_many({}, [{"$set": {"rest_until": "$updated_at"}}])
    return await town.city.services.exchange.outbound.courier.deliver_due()


async def received(town: TestCity) -> list[dict[str, Any]]:
    return (await town.outside.get("his"))["items"]


async def queued(town: TestCity) -> list[Any]:
    desk = town.city.services.exchange.outbound.desk
    return sorted((await desk.list_messages(SYSTEM, "", None, "", 50))[0], key=lambda m: (m.stream, m.order))


def kinds(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["kind"][:7], one["verdict"]) for one in items]


async def test_a_booking_and_its_cancellation_are_told_once_each_and_in_order(town: TestCity) -> None:
    schedule, who = await town.schedule(), await town.resident()
    untold = await book(town, who, schedule)
    await town.work()
    assert await queued(town) == []  # Nobody wanted it yet.
    target = await want(town)
    await cancel(town, who, untold)
    kept = await book(town, who, schedule)
    # However late and how often what happened is handled: as it stands in the pool, it is told.
    noting = town.city.services.exchange.outbound.noting
    jobs = [job async for job in town.city.db.collection("claims").find({"events_due": True})]
    events = [event for job in jobs for event in job["events"]]
    for event in [*reversed(events), *events]:
        await noting.on_appointment(Event.from_doc(event))
    await town.work()
    assert await deliver(town) == 3
    assert await deliver(town) == 0

    items = await received(town)
    of_untold = [one for one in items if untold in one["text"]]
    assert kinds(of_untold) == [("SIU^S12", "AA"), ("SIU^S15", "AA")]
    assert kinds([one for one in items if kept in one["text"]]) == [("SIU^S12", "AA")]
    assert {one["times"] for one in items} == {1}
    text = of_untold[0]["text"]
    header = read_header(text)
    assert (header.version, header.charset) == (target.version, "GB 18030-2000")
    assert (header.receiving_app, header.receiving_facility) == ("HIS", "SRMYY")
    assert len(header.control_id) == 20
    # Our own reader, which holds other hospitals to the standard, finds nothing wrong with it.
    content, problems = look(text, training=False)
    assert content is not None
    assert problems == []
    patient, slot, service = (next(content.each(name)) for name in ("PID", "SCH", "AIS"))
    assert {rep.c(5): rep.c(1) for rep in patient.reps(3)}["NI"] == who.id_number
    assert (patient.text(5), slot.text(5)) == (who.name, schedule.external_id)
    assert service.text(3, 2) == "儿科"
    stored = await town.city.db.collection("hl7_outbound").find_one({})
    assert who.name not in str(stored)
    entry = await town.city.db.collection("audit").find_one({"action": "exchange.tell"})
    assert entry is not None


async def test_a_hold_is_nobodys_appointment_and_a_stopped_clinic_is_told(town: TestCity) -> None:
    await want(town)
    schedule = await town.schedule(fee_fen=500)
    holder, booker = town.stranger(), await town.resident()
    body = {"schedule_id": schedule.id, "patient_id": holder.id}
    await town.call("POST", "/api/v1/holds", as_=holder, json=body, expect=201)
    free = await town.schedule(days=2)
    await book(town, booker, free)
    for one in (schedule, free):
        await town.city.services.schedules.stop_by_staff(SYSTEM, one.id, "医生外出")
    await town.work()
    assert [message.kind for message in await queued(town)] == ["SIU^S12", "SIU^S15"]
    await deliver(town)
    assert "停诊" in (await received(town))[-1]["text"]


async def test_what_a_hospital_refuses_waits_for_a_person_and_holds_up_what_follows(town: TestCity) -> None:
    await want(town)
    schedule, who = await town.schedule(), await town.resident()
    appointment = await book(town, who, schedule)
    await town.work()
    async with town.outside.misbehaving(his_refuses="AE"):
        await deliver(town)
    await cancel(town, who, appointment)
    await town.work()
    assert await deliver(town) == 0
    dead, follows = await queued(town)
    assert (dead.state, dead.verdict, dead.reason, dead.said) == (OutState.DEAD, "AE", "207", "开关要求拒绝")
    assert follows.state is OutState.WAITING
    assert kinds(await received(town)) == [("SIU^S12", "AE")]

    desk = town.city.services.exchange.outbound.desk
    text = await desk.open_for_editing(SYSTEM, dead.id, REASON)
    assert who.name in text
    again = await desk.correct(SYSTEM, dead.id, text.replace("BOOKED", "ROUTINE"), REASON)
    # The hospital has answered the old number, and would only say so again.
    assert again.control_id != dead.control_id
    assert await deliver(town) == 2
    items = await received(town)
    assert kinds(items) == [("SIU^S12", "AE"), ("SIU^S12", "AA"), ("SIU^S15", "AA")]
    assert "ROUTINE" in items[1]["text"]

    other = await book(town, who, await town.schedule(days=3))
    await town.work()
    async with town.outside.misbehaving(his_refuses="AE"):
        await deliver(town)
    await cancel(town, who, other)
    await town.work()
    [stuck] = [message for message in await queued(town) if message.state is OutState.DEAD]
    await desk.set_aside(SYSTEM, stuck.id, REASON)
    assert await deliver(town) == 1


async def test_not_now_is_tried_again_and_a_lost_answer_is_asked_for_with_the_same_bytes(
    town: TestCity,
) -> None:
    await want(town)
    who = await town.resident()
    await book(town, who, await town.schedule())
    await town.work()
    async with town.outside.misbehaving(his_refuses="AR"):
        assert await deliver(town) == 0
        assert await town.city.services.exchange.outbound.courier.deliver_due() == 0  # not due yet
    [message] = await queued(town)
    assert (message.state, message.verdict, message.tries) == (OutState.WAITING, "AR", 1)
    async with town.outside.misbehaving(lose_answers_his=1):
        assert await deliver(town) == 0
        target = (await town.city.services.exchange.outbound.desk.list_targets(SYSTEM))[0]
        assert (target.failures, target.last_error) == (1, "对方没有答复就断开了连接")
        assert await deliver(town) == 1
    refused, taken = await received(town)
    assert refused["control_id"] == taken["control_id"]
    assert refused["text"] == taken["text"]
    assert taken["times"] == 2


@asynccontextmanager
async def hospital(answer: Callable[[str], str | None]) -> AsyncIterator[tuple[int, list[str]]]:
    """A listener of the test's own: its port, and what it has heard. No answer: it hangs up."""
    heard: list[str] = []
    talks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        while (block := await read_block(reader)) is not None:
            text = block.decode("gb18030")
            heard.append(text)
            said = answer(text)
            if said is None:
                break
            writer.write(framed(said.encode()))
        writer.close()
        talks.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], heard
    server.close()
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


def accept(text: str) -> str:
    return f"MSH|^~\\&|HIS|H|||20260301||ACK|1|P|2.5\rMSA|AA|{read_header(text).control_id}\r"


async def test_one_message_that_is_never_answered_does_not_hold_up_the_others_for_ever(
    town: TestCity,
) -> None:
    people = [await town.resident() for _ in range(2)]
    schedule = await town.schedule()
    poison, sound = [await book(town, who, schedule) for who in people]

    def answer(text: str) -> str | None:
        return None if poison in text else accept(text)

    async with hospital(answer) as (port, heard):
        await want(town, port)
        for appointment in (poison, sound):
            event = {"appointment_id": appointment}
            await town.city.services.exchange.outbound.noting.on_appointment(
                Event(EventKind.APPOINTMENT_BOOKED, event)
            )
        # Hung up on as often as it is tried; nobody knows of what, until another is answered.
        for _ in range(MOST_SILENCES):
            await deliver(town)
        courier = town.city.services.exchange.outbound.courier
        await poll(lambda: _spoken(town, courier, sound), 5)
        for _ in range(2):
            await deliver(town)
        by_stream = {message.stream: message for message in await queued(town)}
        assert by_stream[f"appointment/{sound}"].state is OutState.SENT
        dead = by_stream[f"appointment/{poison}"]
        assert (dead.state, dead.reason) == (OutState.DEAD, "no_answer")
        assert len({read_header(text).control_id for text in heard if poison in text}) == 1


async def _spoken(town: TestCity, courier: Courier, appointment: str) -> bool:
    """Only what is due by itself: the one that was put off lets the other pass."""
    rest = town.city.db.collection("hl7_targets")
    await rest.update_many({}, [{"$set": {"rest_until": "$updated_at"}}])
    await courier.deliver_due()
    states = {message.stream: message.state for message in await queued(town)}
    return states[f"appointment/{appointment}"] is OutState.SENT


async def test_many_senders_speak_to_a_hospital_one_at_a_time(town: TestCity) -> None:
    schedule = await town.schedule(slots=12)
    under_way = 0
    most = 0

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        while (block := await read_block(reader)) is not None:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.005)
            under_way -= 1
            text = block.decode("gb18030")
            told.append(read_header(text).control_id)
            writer.write(framed(accept(text).encode()))
        writer.close()

    told: list[str] = []
    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    await want(town, server.sockets[0].getsockname()[1])
    for _ in range(12):
        await book(town, town.stranger(), schedule)
    await town.work()
    exchange = town.city.services.exchange
    couriers = [
        Courier(
            exchange.outbound.desk.targets, exchange.outbound.desk.outgoing, ClientTLS(None, None, None), 5
        )
        for _ in range(4)
    ]
    await asyncio.gather(*(courier.deliver_due() for courier in couriers))
    assert most == 1
    assert len(told) == len(set(told)) == 12
    server.close()


async def test_a_hospital_with_a_certificate_is_spoken_to_in_private(town: TestCity, tmp_path: Path) -> None:
    ca = issue(tmp_path, "ca")
    trusted = issue(tmp_path, "localhost", ("ca", key_of(ca)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted)
    told: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (block := await read_block(reader)) is not None:
            text = block.decode("gb18030")
            told.append(text)
            writer.write(framed(accept(text).encode()))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    await want(town, port, host="localhost", tls=True)
    await book(town, town.stranger(), await town.schedule())
    await town.work()
    desk = town.city.services.exchange.outbound.desk
    # Whoever is not vouched for is told nothing.
    assert await deliver(town) == 0
    [target] = await desk.list_targets(SYSTEM)
    assert target.last_error == "TLS 握手失败，请核对证书"
    assert told == []
    courier = Courier(desk.targets, desk.outgoing, ClientTLS(ca, None, None), 5)
    await town.city.db.collection("hl7_targets").update_many({}, [{"$set": {"rest_until": "$updated_at"}}])
    assert await courier.deliver_due() == 1
    assert len(told) == 1
    server.close()
