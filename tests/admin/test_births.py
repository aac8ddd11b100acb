"""Births in the console: the work-list, a filing with its graph and what staff do about it, figures."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest

from admin import birth_words
from backend import clock
from backend.audit.models import AuditFilter
from backend.births.machine import (
    FilingEvent,
    FilingState,
    HandoverEvent,
    HandoverState,
    StepEvent,
    StepState,
)
from backend.births.models import (
    Birth,
    BirthState,
    ConcernKind,
    MaterialSource,
    MaterialState,
    OwnerKind,
    Parent,
)
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Browser, Console, Page
from tests.admin.conftest import Town
from tests.factories.births import hand_over, make_birth, make_filing
from tests.support.city import id_number

BASE = "/admin/births"
_S = StepState
LATE = {
    "birth_certificate": _S.DONE, "vaccination": _S.DONE, "household": _S.ACCEPTED,
    "maternity_claim": _S.NOT_WANTED,
}  # fmt: skip
MOTHER = Parent("陈晓雨", id_number(7002), "13911112222")


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (birth_words.FILING_STATES, FilingState), (birth_words.STEP_STATES, StepState),
        (birth_words.BIRTH_STATES, BirthState), (birth_words.OWNERS, OwnerKind),
        (birth_words.HANDOVER_STATES, HandoverState),
        (birth_words.CONCERNS, ConcernKind), (birth_words.ADVICE, ConcernKind),
        (birth_words.MATERIAL_SOURCES, MaterialSource), (birth_words.MATERIAL_STATES, MaterialState),
    ],
)  # fmt: skip
def test_every_state_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == set(table)


def test_every_event_of_a_history_has_a_word() -> None:
    events = {str(event) for event in (*FilingEvent, *StepEvent, *HandoverEvent)}
    assert events <= set(birth_words.EVENTS)
    assert "paper" in birth_words.EVENTS
    assert birth_words.event_of("said_done") == "部门来信“已办结”，与此前不符"


async def do(browser: Browser, here: str, deed: str, expect: int = 200, **fields: str) -> Page:
    """Press one of the buttons of the form in view."""
    assert browser.page is not None
    form = browser.page.form(f"{here}/note")
    return await browser.post(f"{here}/{deed}", {**form.fields, **fields}, expect=expect)


async def noted(console: Console, town: Town) -> Birth:
    return await make_birth(console.city.services, town.first.organization.id, MOTHER)


async def test_a_late_agency_is_taken_asked_and_settled(console: Console, town: Town) -> None:
    birth = await noted(console, town)
    filing = await make_filing(console.city, birth, FilingState.IN_PROGRESS, LATE, late="household")
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(BASE)
    assert "部门超期" in page.text
    assert "待接手" in page.text
    assert "陈**" in page.text
    assert "陈小满" not in page.text
    assert "晓雨" not in page.text
    here = f"{BASE}/filings/{filing.id}"
    page = await browser.get(here)
    assert "户口登记" in page.text
    assert "公安户政" in page.text
    assert page.html.count('class="box') == 5
    assert page.html.count('class="arrow') == 4
    assert id_number(7002) not in page.html
    page = await browser.submit(f"{here}/take")
    assert "接手人" in page.text
    page = await do(browser, here, "settle", text="", expect=400)
    assert "部门超期" in page.text
    page = await do(browser, here, "note", text="已电话公安户政")
    assert "已电话公安户政" in page.text
    page = await do(browser, here, "settle", text="答复明日办结")
    assert "答复明日办结" in page.text
    assert "没有需要处理的申请" in (await browser.get(BASE)).text
    assert "陈**" in (await browser.get(f"{BASE}?scope=all")).text
    assert "陈**" in (await browser.get(f"{BASE}?scope=all&agency=civil&state=in_progress")).text
    assert "没有符合条件" in (await browser.get(f"{BASE}?scope=all&agency=social")).text
    entries, _ = await console.city.services.audit.list_entries(SYSTEM, AuditFilter(), limit=50)
    done = [entry.action for entry in entries]
    assert {"births.look", "births.take", "births.note_filing", "births.settle"} <= set(done)


async def test_another_hospitals_filing_is_not_found(console: Console, town: Town) -> None:
    birth = await noted(console, town)
    filing = await make_filing(console.city, birth, FilingState.IN_PROGRESS, LATE, late="household")
    other = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    await other.get(f"{BASE}/filings/{filing.id}", expect=404)
    assert "没有需要处理的申请" in (await other.get(BASE)).text
    assert "没有提交的申请" in (await other.get(f"{BASE}/figures")).text


async def test_what_an_agency_refused_is_asked_anew_and_what_parents_mended_is_sent_again(
    console: Console, town: Town
) -> None:
    services = console.city.services
    birth = await noted(console, town)
    states = {"birth_certificate": _S.DONE, "vaccination": _S.REJECTED, "household": _S.NEEDS_CORRECTION}
    filing = await make_filing(console.city, birth, FilingState.NEEDS_CORRECTION, states)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    here = f"{BASE}/filings/{filing.id}"
    page = await browser.get(here)
    assert "身份证照片看不清" in page.text
    await do(browser, here, "retry", step="vaccination", text="已与妇幼核实")
    await do(browser, here, "mark-corrected", step="household", text="家长已到派出所补交")
    found = await services.births.desk.look(SYSTEM, filing.id)
    assert {step.code: step.state for step in found.filing.steps if step.attempt} == {
        "birth_certificate": _S.DONE, "vaccination": _S.READY, "household": _S.READY,
    }  # fmt: skip
    assert found.filing.state is FilingState.IN_PROGRESS
    page = await do(browser, here, "withdraw", text="家长来电要求撤回")
    assert "家长来电要求撤回" in page.text
    assert "部分办结" in page.text


async def test_a_card_at_the_counter_is_handed_over_against_its_code(console: Console, town: Town) -> None:
    birth = await noted(console, town)
    states = {"birth_certificate": _S.DONE, "household": _S.DONE}
    filing = await make_filing(console.city, birth, FilingState.PARTLY_DONE, states, ended_at=clock.now())
    code, other = [await hand_over(console.city, filing.id, step) for step in states]
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    here = f"{BASE}/filings/{filing.id}"
    await browser.get(BASE)
    found: dict[str, Any] = {"shown": f"BIRTH:{filing.id}:birth_certificate:{code}"}
    page = await browser.submit(f"{BASE}/pickup", **found)
    assert "待领取" in page.text
    assert "社区服务中心" in page.text
    # What opens it is never shown to who is to check it.
    assert code not in page.html
    fields: dict[str, Any] = {"step": "birth_certificate", "deed": "hand_over"}
    page = await browser.submit(
        f"{here}/handover", **fields, shown=other if other != code else "x", expect=400
    )
    assert "取件码或身份证号不对" in page.text
    page = await browser.submit(f"{here}/handover", **fields, shown=code)
    assert "已签收" in page.text
    sent: dict[str, Any] = {"step": "household", "deed": "post", "courier": "邮政", "tracking_no": "EM7CN"}
    page = await browser.submit(f"{here}/handover", **sent)
    assert "EM7CN" in page.text
    page = await browser.submit(f"{here}/handover", step="household", deed="miss", remark="", expect=400)
    page = await browser.submit(f"{here}/handover", step="household", deed="miss", remark="邮政说已退回")
    assert "证件没有收到" in page.text
    assert "邮政说已退回" in page.text
    assert "证件没有收到" in (await browser.get(BASE)).text
    reader = await console.sign_in(Role.AUDITOR)
    await reader.get(BASE, expect=403)


async def test_a_result_that_came_on_paper_is_typed_in_and_opened(console: Console, town: Town) -> None:
    birth = await noted(console, town)
    filing = await make_filing(console.city, birth, FilingState.IN_PROGRESS, LATE | {"vaccination": _S.ASKED})
    browser = await console.sign_in(Role.CITY_OPERATOR)
    here = f"{BASE}/filings/{filing.id}"
    await browser.get(here)
    typed: dict[str, Any] = {
        "step": "vaccination", "number": "370700001", "dated_on": f"{clock.today()}",
        "handed_by": "门诊王医生",
    }  # fmt: skip
    page = await browser.submit(f"{here}/paper-result", **{**typed, "dated_on": "1999-01-01"}, expect=400)
    assert "应在孩子出生之后" in page.text
    # What was typed is not typed twice.
    assert page.form(f"{here}/paper-result").fields["handed_by"] == "门诊王医生"
    page = await browser.submit(f"{here}/paper-result", **typed)
    assert "交来人：门诊王医生" in page.text
    printed = await browser.peek(f"{here}/papers/vaccination")
    assert (printed.headers["Content-Type"], printed.content[:5]) == ("application/pdf", b"%PDF-")
    await browser.get(f"{here}/papers/household", expect=404)


async def test_births_that_look_alike_are_told_apart(console: Console, town: Town) -> None:
    services = console.city.services
    first, second = await noted(console, town), await noted(console, town)
    assert (first.state, second.state) == (BirthState.NOTED, BirthState.DOUBTFUL)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    assert "疑似重复" in (await browser.get(BASE)).text
    page = await browser.get(f"{BASE}/doubtful")
    assert second.external_id in page.text
    assert first.external_id in page.text
    elsewhere = replace(SYSTEM, organization_ids=frozenset({"another"}))
    assert await services.births.desk.likes(elsewhere, [second]) == {}
    here = f"{BASE}/doubtful/{second.id}"
    await browser.submit(here, reason="", same="no", expect=400)
    page = await browser.submit(here, reason="已与医院核实为双胎", same="no")
    assert "没有疑似重复" in page.text
    assert not await services.births.desk.doubtful(SYSTEM)


async def test_figures_are_shown_and_taken_away(console: Console, town: Town) -> None:
    birth = await noted(console, town)
    done = {rule.code: _S.DONE for rule in console.city.services.births.rules.steps}
    await make_filing(console.city, birth, FilingState.COMPLETED, done, ended_at=birth.updated_at)
    await make_filing(console.city, birth, FilingState.IN_PROGRESS, LATE, late="household")
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"{BASE}/figures")
    assert "全部办结 1 50%" in page.text
    assert "户口登记" in page.text
    table = (await browser.peek(f"{BASE}/figures/export")).text.splitlines()
    assert table[1].startswith("合计,,2,1,0,0,1,1,")
    assert any(line.startswith("事项,户口登记（公安户政）,2,1,0,1,") for line in table)
    # Who reads of all hospitals does not learn of so few.
    city = await console.sign_in(Role.CITY_OPERATOR)
    page = await city.get(f"{BASE}/figures")
    assert "全部办结 &lt;5" in page.text
    assert "不足5件的数字不显示" in page.text
    table = (await city.peek(f"{BASE}/figures/export")).text.splitlines()
    assert table[1].startswith("合计,,<5,<5,0,0,<5,<5,")
