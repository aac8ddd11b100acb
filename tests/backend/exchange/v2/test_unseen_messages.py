"""Messages that the mapping was not made by: answered, mapped, and held to what the standard says of each.

The facts beside each message were written before the mapping saw it (tests/fixtures/hl7v2-unseen/README.md).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import City
from backend.exchange.fhir.checking import problems
from backend.exchange.v2.charsets import decode
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.parsing import open_envelope, read_header
from backend.ids import new_id
from tests.backend.exchange.v2.facts import Outcome, read_facts

FIXTURES = Path("tests/fixtures/hl7v2-unseen")
MESSAGES = sorted(FIXTURES.glob("*.hl7"))
GROUPS = ("identifier", "name", "date", "code", "value", "state")


async def test_each_is_answered_and_becomes_what_the_standard_says(
    city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(MESSAGES) >= 60
    exchange = city.services.exchange
    await exchange.senders.allow(SenderKind.PORT, "7", new_id(), "")
    agreed, of, missing, wrong = Counter[str](), Counter[str](), [], []
    for file in MESSAGES:
        outcome = await _outcome(city, file.read_bytes())
        for fact in read_facts(file.with_suffix(".facts")):
            group = fact.group if fact.group in GROUPS else "other"
            of[group] += 1
            agreed[group] += fact.holds(outcome)
            if not fact.holds(outcome):
                missing.append(f"{file.stem}: {fact}")
        wrong += [(file.stem, str(issue)) for body in outcome.bodies for issue in problems(body)]
    with capsys.disabled():
        figures = "  ".join(f"{group} {agreed[group]}/{of[group]}" for group in (*GROUPS, "other"))
        print(f"\n{len(MESSAGES)} unseen messages: {figures}")  # noqa: T201 the figures are what this is for
    assert not missing, "\n".join(missing)
    assert not wrong, wrong[:5]


async def _outcome(city: City, block: bytes) -> Outcome:
    answers = await city.services.exchange.receiver.take(block, Link(port=7))
    text, charset = decode(block)
    codes = []
    bodies: list[dict[str, Any]] = []
    unread: set[str] = set()
    for message, answer in zip(open_envelope(text).messages, answers, strict=True):
        said = answer.decode(charset.codec, errors="replace")
        mark = said[3]
        codes.append(next(line.split(mark)[1] for line in said.split("\r") if line.startswith("MSA")))
        control = read_header(message).control_id
        docs = [doc async for doc in city.db.collection("hl7_messages").find({"control_id": control})]
        for doc in docs:
            kept = await city.services.exchange.receiver._store.find(doc["_id"])
            assert kept is not None
            bodies += await _bodies(city, [one.partition("/")[2] for one in doc["resources"]])
            unread |= {found.where.partition("(")[0] for found in kept.findings if found.kind == "segment"}
    assert len(set(codes)) == 1, codes
    bodies = list({one["id"]: one for one in bodies}.values())
    return Outcome(codes[0], bodies, frozenset(unread), await _merged(city))


async def _bodies(city: City, ids: list[str]) -> list[dict[str, Any]]:
    documents = city.services.records._store._documents
    found = city.db.collection("resources").find({"_id": {"$in": ids}})
    return [documents.read(doc).body async for doc in found]


async def _merged(city: City) -> dict[str, str]:
    index = city.services.patient_index
    merged = {}
    async for doc in city.db.collection("charts").find({"merged_into": {"$ne": None}}):
        retired = await index.chart(doc["_id"])
        survivor = await index.chart(retired.merged_into) if retired and retired.merged_into else None
        if retired and survivor:
            merged[retired.number.value] = survivor.number.value
    return merged
