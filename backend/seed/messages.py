"""HL7 messages of the demo's first hospital: visits, results and a mistake, for record and console."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from fpdf import FPDF

from backend import clock
from backend.bootstrap import City
from backend.exchange.v2.models import Link, MessageQuery, SenderKind
from backend.exchange.v2.outbound_models import Family, Target
from backend.ids import new_id
from backend.seed.directory import demo_directory
from backend.seed.residents import Person

FACILITY = "DEMO-HIS"
# Fasting glucose over some months, as a hospital that follows somebody up.
_GLUCOSE = ((180, "6.4", "H"), (90, "6.9", "H"), (20, "5.8", "N"))


def _paper() -> bytes:
    """A sheet that says nothing, as PDF."""
    paper = FPDF()
    paper.add_page()
    return bytes(paper.output())


async def seed_messages(city: City, organization_id: str, people: list[Person]) -> None:
    """Let a few messages come in, once: through the same door as a hospital's own."""
    exchange = city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, FACILITY, organization_id, "")
    if await exchange.desk.store.list_of(MessageQuery(frozenset({organization_id}), limit=1)):
        return
    for number, person in enumerate(people, start=1):
        for message in _messages(person, number, clock.today()):
            await exchange.receiver.take(("\r".join(message) + "\r").encode("gb18030"), Link())


async def seed_target(city: City, host: str, port: int) -> None:
    """The first hospital wants to be told by message; the address that a person has set stays."""
    targets = city.services.exchange.outbound.desk.targets
    place = demo_directory().organizations[0].id
    before = await targets.find(place)
    if before is None or (before.host == host and before.port != port):
        families, charset = frozenset(Family), "GB 18030-2000"
        target = Target(place, host, port, False, "2.5.1", charset, families, "HIS", FACILITY)
        await targets.write(replace(before, port=port) if before else target)


def _head(kind: str, on: date) -> str:
    return f"MSH|^~\\&|HIS|{FACILITY}|CITY|HUB|{on:%Y%m%d}090000||{kind}|{new_id()}|P|2.5||||||GB 18030-2000"


def _messages(person: Person, number: int, today: date) -> Iterator[list[str]]:
    female = int(person.id_number[16]) % 2 == 0
    numbers = f"MR{number:05d}^^^HIS^MR~{person.id_number}^^^^NI"
    birth, sex = person.id_number[6:14], "F" if female else "M"
    pid = f"PID|1||{numbers}||{person.name}||{birth}|{sex}|||||{person.phone}"
    for turn, (ago, value, flag) in enumerate(_GLUCOSE, start=1):
        on = today - timedelta(days=ago)
        day, visit = f"{on:%Y%m%d}", f"MZ{number:03d}{turn:02d}"
        pv1 = "PV1|1|O|内分泌科门诊||||D01^陈明" + "|" * 12 + visit + "|" * 25 + f"{day}083000|{day}101500"
        yield [
            _head("ADT^A04^ADT_A01", on),
            f"EVN|A04|{day}083000",
            pid,
            pv1,
            "DG1|1||E11.900^2型糖尿病^ICD10CN||" + day + "|F",
        ]
        order = f"OBR|1|P{visit}|R{visit}|GLU^空腹血糖^L|||{day}084500" + "|" * 15 + f"{day}093000||CH|F"
        yield [
            _head("ORU^R01^ORU_R01", on),
            pid,
            pv1,
            order,
            f"OBX|1|NM|14749-6^空腹血糖^LN||{value}|mmol/L|3.9-6.1|{flag}|||F|||{day}090000",
            f"OBX|2|ED|PDF^检验报告^L||^application^pdf^Base64^{base64.b64encode(_paper()).decode()}||||||F",
        ]
    yield [
        _head("ADT^A31^ADT_A05", today),
        "EVN|A31",
        pid,
        "AL1|1|DA|70618^青霉素^L|SV|皮疹",
    ]
    # A mistake, as hospitals make them: it waits in the console for somebody.
    yield [_head("ORU^R01^ORU_R01", today), pid.replace(person.name, ""), "OBR|1|P9|R9|GLU^空腹血糖^L"]
