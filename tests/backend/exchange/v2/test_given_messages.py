"""Sixty messages that somebody else wrote: answered, mapped, and compared with another converter's work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from backend.bootstrap import City
from backend.db.client import Database
from backend.exchange.fhir.checking import problems
from backend.exchange.v2.charsets import decode
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.parsing import open_envelope, read_header
from backend.ids import new_id
from tests.backend.exchange.v2.agreement import Agreement, compare, mapped

FIXTURES = Path("tests/fixtures/hl7v2")
MESSAGES = sorted(FIXTURES.glob("*.hl7"))
# What these files ask for in MSH-15 instead of an application's answer.
COMMITTED = {"ORU-R01-01", "MDHHS-OML-O21-1"}


def facilities() -> set[str]:
    found = set()
    for file in MESSAGES:
        text, _ = decode(file.read_bytes())
        found.add(read_header(open_envelope(text).messages[0]).sending_facility)
    return found


async def test_each_is_answered_and_becomes_resources(city: City, db: Database) -> None:
    exchange, hospital = city.services.exchange, new_id()
    for facility in filter(None, facilities()):
        await exchange.senders.allow(SenderKind.FACILITY, facility, hospital, "")
    await exchange.senders.allow(SenderKind.PORT, "7", hospital, "")
    refused = {}
    for file in MESSAGES:
        [answer] = await exchange.receiver.take(file.read_bytes(), Link(port=7))
        said = answer.decode().split("\r")
        header = read_header("".join(open_envelope(decode(file.read_bytes())[0]).messages[:1]))
        msa = next(line for line in said if line.startswith("MSA")).split("|")
        wanted = "CA" if file.stem in COMMITTED else "AA"
        if (msa[1], msa[2]) != (wanted, header.control_id):
            refused[file.stem] = said
        [again] = await exchange.receiver.take(file.read_bytes(), Link(port=7))
        assert again == answer, f"{file.stem}: a repeat gets the same answer, byte for byte"

    assert not refused
    kept = [doc async for doc in db.collection("hl7_messages").find()]
    assert len(kept) == len(MESSAGES) == 60
    assert all(doc["state"] == "done" and doc["resources"] for doc in kept)
    types = Counter([doc["type"] async for doc in db.collection("resources").find()])
    for type_ in ("Patient", "Encounter", "Condition", "Observation", "DiagnosticReport", "Immunization"):
        assert types[type_], f"no {type_} came of sixty messages"


def test_the_resources_agree_with_those_of_another_converter(capsys: pytest.CaptureFixture[str]) -> None:
    whole, lines = Agreement(), []
    for file in MESSAGES:
        if file.with_suffix(".fhir.json").exists():
            found = compare(file)
            whole.add(found)
            lines.append(f"{file.stem:18} {found.share:6.1%}  {figures(found)}")
    with capsys.disabled():
        print("\n" + "\n".join(lines) + f"\n{'all':18} {whole.share:6.1%}  {figures(whole)}")  # noqa: T201 the figures are what this is for
    assert len(lines) == 59
    assert whole.share > 0.7
    floors = {"identifier": 0.8, "date": 0.8, "name": 0.7, "code": 0.64, "value": 0.5}
    reached = {kind: whole.agreed[kind] / whole.of[kind] for kind in floors}
    assert all(reached[kind] >= floor for kind, floor in floors.items()), reached


def figures(found: Agreement) -> str:
    return "  ".join(
        f"{kind} {found.agreed.get(kind, 0)}/{count}" for kind, count in sorted(found.of.items())
    )


def test_every_resource_is_what_the_official_definitions_of_r4_ask_for() -> None:
    wrong = []
    for file in MESSAGES:
        for draft in mapped(file):
            wrong += [(file.stem, draft.type, str(issue)) for issue in problems(draft.body)]
    assert not wrong, wrong[:5]
