"""Agencies that keep to no protocol: they refuse each question, know nothing, or speak of an old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.births.machine import FilingState, StepState
from backend.births.models import Answers, Birth, BirthFacts, BirthState, ConcernKind, Parent
from backend.births.ports import AgencyUnavailableError, CallbackError, Question, Standing, Word
from backend.births.questions import question_id, question_of
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM
from tests.backend.births.test_callbacks import call_back
from tests.factories.births import a_family, a_filing, let_pass, make_filing
from tests.support.city import TestCity


@dataclass
class OddLine:
    """An agency that answers always the same."""

    asking: Standing | None
    querying: Standing
    barring: Standing

    async def ask(self, question: Question) -> Word:
        if self.asking is None:
            raise AgencyUnavailableError("status_400")
        return Word(question.id, self.asking, 1)

    async def query(self, question_id: str) -> Word:
        return Word(question_id, self.querying, 1)

    async def bar(self, question_id: str) -> Word:
        return Word(question_id, self.barring, 1)

    async def cancel(self, question_id: str, reason: str) -> Word:
        return Word(question_id, self.barring, 1)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Word]:
        raise CallbackError


@pytest.mark.parametrize(
    "line",
    [
        OddLine(None, Standing.UNKNOWN, Standing.CANCELLED),
        OddLine(Standing.CANCELLED, Standing.CANCELLED, Standing.CANCELLED),
        OddLine(None, Standing.UNKNOWN, Standing.UNKNOWN),
        OddLine(Standing.UNKNOWN, Standing.UNKNOWN, Standing.UNKNOWN),
    ],
)
async def test_who_refuses_every_question_is_asked_ever_more_slowly_and_staff_are_told(
    town: TestCity, line: OddLine
):
    family, births = await a_family(town), town.city.services.births
    births.asking._lines = {"mch": line}
    filing = await a_filing(town, family)
    for _ in range(12):
        await let_pass(town, timedelta(hours=2))
    view = await births.desk.look(SYSTEM, filing["id"])
    assert ConcernKind.UNREACHABLE in {each.kind for each in view.filing.concerns}
    step = view.filing.step("birth_certificate")
    assert step is not None
    assert step.attempt <= 13
    # Somebody else's filing is looked after all the same.
    assert step.look_at is not None
    assert step.look_at > clock.now() + timedelta(minutes=1)


async def test_one_filing_that_cannot_be_looked_after_holds_nobody_else_up(town: TestCity):
    births = town.city.services.births
    await town.outside.post("switches", {"agencies_clerk": True})
    filings = [await a_filing(town, await a_family(town, number)) for number in (1, 2)]
    looked: list[str] = []

    async def look_after(filing: Any) -> None:
        looked.append(filing.id)
        raise ValueError("张小宝")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(births.asking, "_look_after", look_after)
        await let_pass(town, timedelta(days=3))
    assert set(looked) == {filing["id"] for filing in filings}


async def test_a_late_word_is_about_the_step_it_was_asked_for(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    birth = await births.noting.read(SYSTEM, town.hospital.id, family.external_id)
    filing = await make_filing(
        town.city, birth, FilingState.IN_PROGRESS,
        {"birth_certificate": StepState.DONE, "vaccination": StepState.ASKED},
    )  # fmt: skip
    steps = tuple(
        replace(step, attempt=2, request_id=question_id(filing.id, filing.created_at, step.code, 2))
        if step.code == "birth_certificate"
        else step
        for step in filing.steps
    )
    assert await births._filings.write(replace(filing, steps=steps))
    first = question_id(filing.id, filing.created_at, "birth_certificate", 1)
    with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
        await births.asking.take("civil", Word(first, Standing.DONE, 2))
    write, misses = births._filings.write, [False]

    async def too_late(*args: Any) -> bool:
        return misses.pop() if misses else await write(*args)

    with pytest.MonkeyPatch.context() as patch:
        # Another write comes between: what was heard is not lost.
        patch.setattr(births._filings, "write", too_late)
        await births.asking.take("mch", Word(first, Standing.DONE, 2))
    view = await births.desk.look(SYSTEM, filing.id)
    assert [(each.kind, each.step) for each in view.filing.concerns] == [
        (ConcernKind.CONTRADICTION, "birth_certificate")
    ]
    # Signed, and saying nothing.
    vaccination = question_id(filing.id, filing.created_at, "vaccination", 1)
    nothing = {"id": vaccination, "standing": "unknown", "revision": 3}
    assert (await call_back(town, "mch", nothing))[0] == 401


async def test_the_agencies_are_told_the_day_of_birth_as_it_was_here(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    # Three in the morning: in Greenwich it was still the day before.
    at = datetime(2026, 11, 20, 19, tzinfo=UTC)
    birth = Birth(
        "birth", town.hospital.id, "1", BirthState.NOTED, 0, BirthFacts(at, "female", 3000),
        Parent("李小红", "x", "", family.mother.id), None, at, at,
    )  # fmt: skip
    filing = replace(
        await make_filing(town.city, birth, FilingState.IN_PROGRESS, {"birth_certificate": StepState.ASKED}),
        answers=Answers("李小宝"),
    )
    step, rule = filing.steps[0], births.rules.steps[0]
    body = question_of(filing, birth, step, rule, "市人民医院", []).body
    assert body["child"]["born_at"] == "2026-11-21T03:00:00+08:00"
