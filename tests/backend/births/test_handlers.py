"""Filing a birth over HTTP, from the hospital's notice to the card."""

from __future__ import annotations

from typing import Any

from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM
from tests.factories.births import (
    ANSWERS,
    a_family,
    a_filing,
    applications,
    read,
    states,
)
from tests.support.city import TestCity

DONE = {
    "birth_certificate": "done",
    "vaccination": "done",
    "household": "done",
    "insurance": "done",
    "social_card": "done",
    "maternity_claim": "not_wanted",
}


async def test_one_application_brings_everything_and_the_child_is_the_parents(town: TestCity):
    family = await a_family(town)
    born = await town.call("GET", "/api/v1/births", as_=family.mother)
    assert [(each["id"], each["father"]) for each in born["items"]] == [(family.birth_id, "张**")]
    path = f"/api/v1/births/{family.birth_id}/precheck"
    checked = await town.call("POST", path, as_=family.mother, json=ANSWERS)
    assert (checked["ok"], checked["problems"]) == (True, [])
    assert {each["state"] for each in checked["materials"]} == {"present"}
    filing = await a_filing(town, family)
    assert filing["state"] == "submitted"
    assert (filing["owner"]["kind"], filing["owner"]["name"]) == ("agency", "妇幼保健机构")

    async def over() -> Any:
        found = await read(town, family, filing["id"])
        return found if found["state"] == "completed" else None

    done = await town.until(over)
    assert states(done) == DONE
    # What is done is still on its way to them: it is not nobody's yet.
    assert done["owner"]["kind"] in ("agency", "parents")
    asked = await applications(town)
    assert [one["asks"] for one in asked] == [1] * 5
    household = next(step for step in done["steps"] if step["code"] == "household")
    assert household["results"]["id_number"].startswith("370***")
    await town.later()
    patients = await town.call("GET", "/api/v1/patients", as_=family.mother)
    child = next(each for each in patients["items"] if each["relation"] == "child")
    assert (child["id"], child["name"]) == ((await read(town, family, filing["id"]))["child_id"], "张**")

    # In her list at once; her phone gets no more than five texts in a row, then one in half a minute.
    async def told() -> Any:
        messages = (await town.call("GET", "/api/v1/messages", as_=family.mother))["items"]
        return sum("全部事项已办结" in message["body"] for message in messages)

    assert await town.until(told) == 1


async def test_what_is_done_is_opened_as_a_pdf_that_says_what_it_is(town: TestCity):
    family, births = await a_family(town), town.city.services.births
    filing = await a_filing(town, family)
    path = f"/api/v1/birth-filings/{filing['id']}/steps"
    await town.call("GET", f"{path}/household/paper", as_=family.mother, expect=404)

    async def registered() -> Any:
        return states(await read(town, family, filing["id"]))["household"] == "done"

    await town.until(registered)
    answer = await town.http.get(f"{town.url}{path}/household/paper", headers=family.mother.headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert (answer.content[:5], len(answer.content) > 5000) == (b"%PDF-", True)
    await town.call("GET", f"{path}/household/paper", as_=await town.resident(), expect=404)
    await town.call("GET", f"{path}/nothing/paper", as_=family.mother, expect=404)
    printed = await births.desk.print(SYSTEM, filing["id"], "household")
    assert printed.startswith(b"%PDF-")
    entries, _ = await town.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="births.print"), limit=9
    )
    assert [entry.actor_id for entry in entries] == [SYSTEM.id, family.mother.id]
    # What stands on it: the agency, its number and date, and that it is a printout.
    view = await births.desk.look(SYSTEM, filing["id"])
    step = view.filing.step("household")
    assert step is not None
    sheet, masked = (births.papers.sheet(view, step, "", masked=each) for each in (False, True))
    assert sheet.title == "户口登记（电子凭证·打印件）"
    assert "打印件" in sheet.mark
    assert "不能代替证件原件" in sheet.mark
    told = dict(sheet.facts) | dict(sheet.results)
    assert (told["办理部门"], told["部门受理号"], told["户号"]) == (
        "公安户政", step.receipt, step.results["household_no"],
    )  # fmt: skip
    assert (told["身份证号"], told["孩子姓名"]) == (step.results["id_number"], "张小宝")
    assert {"登记日期", "办结日期", "结果来源"} <= set(told)
    shown = dict(masked.facts) | dict(masked.results)
    assert (shown["孩子姓名"], shown["身份证号"][3:6]) == ("张**", "***")
