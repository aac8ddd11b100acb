"""Filing a birth over HTTP, from the hospital's notice to the card."""

from __future__ import annotations

from typing import Any

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
    assert done["owner"] is None
    asked = await applications(town)
    assert [one["asks"] for one in asked] == [1] * 5
    household = next(step for step in done["steps"] if step["code"] == "household")
    assert household["results"]["id_number"].startswith("370***")
    await town.later()
    patients = await town.call("GET", "/api/v1/patients", as_=family.mother)
    child = next(each for each in patients["items"] if each["relation"] == "child")
    assert (child["id"], child["name"]) == ((await read(town, family, filing["id"]))["child_id"], "张**")

    async def told() -> Any:
        texts = (await town.outside.get("sms", phone=family.mother.phone))["items"]
        return sum("全部事项已办结" in sms["content"] for sms in texts)

    assert await town.until(told, 40) == 1
