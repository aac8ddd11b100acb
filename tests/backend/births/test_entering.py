"""Results that came on paper: typed in by staff, with the same consequences as an agency's own word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.births.models import ConcernKind, PaperResult, Step
from backend.births.ports import Standing, Word
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from tests.factories.births import NewFamily, a_family, a_filing, applications, let_pass, read, states
from tests.factories.city import an_id_number
from tests.support.city import TestCity

STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)


async def at_work(town: TestCity, family: NewFamily, filing_id: str, step: str) -> None:
    """Until the step's agency has taken it, and says no more."""

    async def so() -> Any:
        await let_pass(town)
        return states(await read(town, family, filing_id))[step] == "accepted"

    await town.until(so, 30)


async def shown(town: TestCity, filing_id: str, code: str) -> Step:
    step = (await town.city.services.births.desk.look(STAFF, filing_id)).filing.step(code)
    assert step is not None
    return step


def a_paper() -> PaperResult:
    return PaperResult("X370000009", clock.today(), "妇幼王大夫", "窗口领取")


async def test_a_paper_result_ends_its_step_unless_the_agency_has_answered(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    await town.outside.post("switches", {"agencies_clerk": True})
    id, desk, paper = (await a_filing(town, family))["id"], births.desk, a_paper()
    await at_work(town, family, id, "birth_certificate")
    doctor = Actor("staff", "doctor", Role.DOCTOR, frozenset({town.hospital.id}))
    with pytest.raises(AppError, match=ErrorCode.FORBIDDEN):
        await desk.enter(doctor, id, "birth_certificate", paper)
    for wrong in (
        replace(paper, number=" "), replace(paper, handed_by=""),
        replace(paper, dated_on=paper.dated_on - timedelta(days=30)),
    ):  # fmt: skip
        with pytest.raises(AppError, match=ErrorCode.BAD_REQUEST):
            await desk.enter(STAFF, id, "birth_certificate", wrong)
    # What nobody was asked for yet has no answer, on paper or otherwise.
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await desk.enter(STAFF, id, "household", paper)
    view = await desk.enter(STAFF, id, "birth_certificate", paper)
    step = await shown(town, id, "birth_certificate")
    assert step.results == {"certificate_no": "X370000009", "issued_on": f"{clock.today()}"}
    assert [(each.by, each.event) for each in view.filing.history][-4:-2] == [
        ("clerk", "paper"), ("clerk", "finish"),
    ]  # fmt: skip
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await desk.enter(STAFF, id, "birth_certificate", paper)
    # The agency says the same later, and more: it is taken over, and troubles nobody.
    more = {"certificate_no": "X370000009", "seal": "妇幼"}
    for revision, standing, results in ((1, Standing.ACCEPTED, {}), (2, Standing.DONE, more)):
        word = Word(step.request_id, standing, step.heard + revision, "FY-1", (), results)
        await births.asking.take("mch", word)
    step = await shown(town, id, "birth_certificate")
    assert (step.results["seal"], step.receipt) == ("妇幼", "FY-1")
    assert (await desk.look(STAFF, id)).filing.concerns == ()
    # On record, and not a word of it there.
    entries, _ = await town.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="births.enter_result"), limit=9
    )
    assert [(entry.actor_id, entry.data) for entry in entries] == [("clerk", {"step": "birth_certificate"})]


async def test_what_follows_from_a_paper_is_what_follows_from_the_agencys_word(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    await town.outside.post("switches", {"agencies_clerk": True})
    id, desk, paper = (await a_filing(town, family))["id"], births.desk, a_paper()
    await at_work(town, family, id, "birth_certificate")
    await desk.enter(STAFF, id, "birth_certificate", paper)
    # The next ones are asked for, with what the paper says.
    await at_work(town, family, id, "household")
    household = next(one for one in await applications(town) if one["step"] == "household")
    assert household["body"]["earlier"]["birth_certificate"]["certificate_no"] == "X370000009"
    birth = await births.noting.read(SYSTEM, town.hospital.id, family.external_id)
    born_on = f"{clock.civil_date(birth.facts.born_at):%Y%m%d}"
    for number in ("", "3707", an_id_number(3, born_on), an_id_number(2, "20200101")):
        with pytest.raises(AppError, match=ErrorCode.BAD_REQUEST):
            await desk.enter(STAFF, id, "household", replace(paper, id_number=number))
    right = an_id_number(8, born_on)
    await desk.enter(STAFF, id, "household", replace(paper, number="370700008", id_number=right))

    async def told() -> Any:
        texts = (await town.outside.get("sms", phone=family.mother.phone))["items"]
        return any("户口登记" in sms["content"] and "已办结" in sms["content"] for sms in texts)

    # The parents are told as of everything that is done, and act for the child.
    await town.until(told, 40)
    view = await desk.look(STAFF, id)
    assert (bool(view.filing.child_id), view.filing.concerns) == (True, ())
    # The agency says otherwise: somebody has to ask.
    step = await shown(town, id, "household")
    other = {"id_number": an_id_number(6, born_on)}
    await births.asking.take("civil", Word(step.request_id, Standing.DONE, step.heard + 1, "", (), other))
    view = await desk.look(STAFF, id)
    assert [(each.kind, each.step) for each in view.filing.concerns] == [
        (ConcernKind.CONTRADICTION, "household")
    ]
    assert view.filing.result("household", "id_number") == right
