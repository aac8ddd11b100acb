"""The real mllp process, killed while it tells a hospital: every fact arrives, in order, under one number."""

from __future__ import annotations

import asyncio
import functools
import random
import signal
from pathlib import Path

import pytest

from backend import clock
from backend.bootstrap import City
from backend.db.client import Database
from backend.demo.leash import free_port
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.outbound_models import Family, Outgoing, OutState, Target
from backend.exchange.v2.parsing import read_header
from backend.ids import named_id, new_id
from tests.backend.exchange.v2.test_crash import start
from tests.support.polling import poll

STREAMS, PER_STREAM, KILLS = 6, 3, 2
TEXT = "MSH|^~\\&|HEALTHYCITY|CITY|HIS|H|20260301083000||SIU^S12^SIU_S12|{number}|P|2.5\rNTE|1||{said}\r"


async def fill(city: City, place: str) -> set[str]:
    """Three facts about each of some appointments; the numbers they go out by."""
    store = city.services.exchange.outbound.desk.outgoing
    numbers = set()
    for stream in range(STREAMS):
        for order in range(PER_STREAM):
            number = named_id("number", str(stream), str(order))[-20:]
            numbers.add(number)
            message = Outgoing(
                id=new_id(),
                organization_id=place,
                stream=f"appointment/{stream}",
                order=str(order),
                kind="SIU^S12",
                control_id=number,
                version="2.5",
                charset="UNICODE UTF-8",
                state=OutState.WAITING,
                fact_at=clock.now(),
                due_at=clock.now(),
            )
            await store.add(message, TEXT.format(number=number, said=f"{stream}:{order}"))
    return numbers


@pytest.mark.xdist_group("processes")
async def test_nothing_is_lost_or_told_out_of_order_however_often_the_sender_dies(
    city: City, db: Database, mongo_uri: str, keys_file: Path
) -> None:
    place, chance = new_id(), random.Random(7)
    heard: list[tuple[str, str]] = []

    async def hospital(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (block := await read_block(reader)) is not None:
            text = block.decode()
            number = read_header(text).control_id
            heard.append((number, text.split("NTE|1||")[1].strip()))
            await asyncio.sleep(0.02)
            if chance.random() < 0.1:
                break  # It has the message, and says nothing.
            writer.write(framed(f"MSH|^~\\&|HIS|H|||20260301||ACK|1|P|2.5\rMSA|AA|{number}\r".encode()))
        writer.close()

    server = await asyncio.start_server(hospital, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target(place, "127.0.0.1", port, False, "2.5", "UNICODE UTF-8", frozenset(Family), "HIS", "H")
    await city.services.exchange.outbound.desk.targets.write(target)
    numbers = await fill(city, place)
    process = start(mongo_uri, db.name, keys_file, free_port())

    async def impatient() -> None:
        """No waiting for backoffs to run out."""
        await db.collection("hl7_outbound").update_many({}, [{"$set": {"due_at": "$fact_at"}}])
        await db.collection("hl7_targets").update_many({}, [{"$set": {"rest_until": "$updated_at"}}])

    async def arrived(count: int) -> bool:
        await impatient()
        return len({number for number, _ in heard}) >= count

    async def all_sent() -> bool:
        await impatient()
        return await db.collection("hl7_outbound").count_documents({"state": "sent"}) == len(numbers)

    try:
        for kill in range(1, KILLS + 1):
            await poll(functools.partial(arrived, kill * 5), 60)
            process.send_signal(signal.SIGKILL)
            process.wait()
            # The lease of the dead ends by itself, in a minute and a half.
            await db.collection("hl7_targets").update_many({}, [{"$set": {"held_until": "$updated_at"}}])
            process = start(mongo_uri, db.name, keys_file, free_port())
        await poll(all_sent, 60)
    finally:
        process.terminate()
        process.wait(timeout=30)
        server.close()
    # Each fact under one number; and what is told for the first time never comes before what went before it.
    assert {number for number, _ in heard} == numbers
    assert len({said for _, said in heard}) == len(numbers)
    first = {said: at for at, (_, said) in reversed(list(enumerate(heard)))}
    for stream in range(STREAMS):
        told = [first[f"{stream}:{order}"] for order in range(PER_STREAM)]
        assert told == sorted(told)
