"""What hospitals send is counted by day and rule, told back to them, and the rules can be changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.exchange.quality.models import Severity
from backend.exchange.quality.service import QualityService
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.records.models import Incoming, Source
from tests.factories.charts import make_chart
from tests.support.city import Surroundings, TestCity, open_test_city

WHY = "与检验科核对过"
MALE = {"gender": "male", "birthDate": "1985-03-12", "name": [{"text": "王伟"}]}


@dataclass
class Town:
    """A city whose hospital sends resources."""

    city: TestCity
    operator: Actor
    manager: Actor

    @property
    def quality(self) -> QualityService:
        return self.city.city.services.quality

    @property
    def hospital(self) -> str:
        return self.city.hospital.id

    async def sends(self, *bodies: dict[str, Any], number: str = "1") -> list[str]:
        """The hospital sends resources of one of its patients; answers their ids."""
        services = self.city.city.services
        chart = await make_chart(services, self.hospital, number)
        batch = [
            Incoming(str(body["resourceType"]), chart.id, body, key=str(body.get("id", n)))
            for n, body in enumerate(bodies)
        ]
        source = Source("fhir", new_id(), self.hospital, clock.now())
        return [each.id for each in await services.records.write(self.hospital, batch, source)]

    async def today(self) -> dict[str, tuple[int, int]]:
        """Checked and broken, by rule."""
        _, findings = await self.quality.day(self.operator, self.hospital, clock.today())
        return {each.rule.id: (each.count.checked, each.count.failed) for each in findings}


@pytest.fixture
async def town(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Town]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield Town(
            city,
            Actor("staff", new_id(), Role.CITY_OPERATOR, None),
            Actor("staff", new_id(), Role.HOSPITAL_OPERATOR, frozenset({city.hospital.id})),
        )


def rule_of(town: Town, title: str) -> str:
    return next(rule.id for rule in town.quality.counting.rules.rules.values() if rule.title == title)


async def test_what_a_hospital_sends_is_counted_once_and_told_to_it(town: Town):
    patient = {"resourceType": "Patient", **MALE, "birthDate": "2985-03-12"}
    heart = {
        "resourceType": "Observation",
        "id": "hr",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "valueQuantity": {"value": 7200, "unit": "/min"},
    }
    ids = await town.sends(patient, heart)
    await town.sends(patient, heart)  # the same again is no new delivery
    future, rate = rule_of(town, "出生日期在将来"), rule_of(town, "心率超出生理可能的范围（10–350 /min）")
    today = await town.today()
    assert (today[future], today[rate]) == ((1, 1), (1, 1))
    client = await town.city.hospital_client()
    answer = await town.city.call("GET", "/hospital/v1/quality", as_=client)
    assert answer["resources"] == 2
    assert 0 < answer["score"] < 100
    told = {rule["rule_id"]: rule for rule in answer["rules"]}
    assert told[future]["samples"] == [ids[0]]
    assert told[rate]["samples"] == [ids[1]]
    assert told[rate]["severity"] == "error"
    empty = await town.city.call("GET", "/hospital/v1/quality?on=2020-01-01", as_=client)
    assert (empty["score"], empty["rules"]) == (None, [])
    text = str([doc async for doc in town.city.city.db.collection("quality_counts").find({})])
    assert "王伟" not in text


async def test_a_report_is_held_against_the_specimen_that_came_along(town: Town):
    collected = {"collectedDateTime": "2026-03-02T08:00:00+08:00"}
    specimen = {"resourceType": "Specimen", "id": "s1", "collection": collected}
    report = {"resourceType": "DiagnosticReport", "status": "final", "issued": "2026-03-01T08:00:00+08:00"}
    inside = {**report, "contained": [specimen], "specimen": [{"reference": "#s1"}], "id": "1"}
    [beside] = await town.sends(specimen, number="1")
    await town.sends(
        specimen, {**report, "specimen": [{"reference": f"Specimen/{beside}"}], "id": "2"}, inside
    )
    rule = rule_of(town, "报告时间早于标本采集时间")
    assert (await town.today())[rule] == (2, 2)


async def test_a_rule_that_stumbles_keeps_nothing_from_being_taken(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def stumble(*_: object) -> list[object]:
        raise RuntimeError("a rule of tomorrow")

    monkeypatch.setattr(town.quality.counting.rules, "check", stumble)
    assert await town.sends({"resourceType": "Patient", **MALE})
    assert "quality_rule_crashed" in caplog.text


async def test_a_changed_rule_is_a_version_and_its_preview_shows_figures_only(town: Town):
    quality = town.quality
    rule_id = rule_of(town, "缺联系电话")
    await town.sends({"resourceType": "Patient", **MALE})
    assert (await town.today())[rule_id] == (1, 1)
    looser = {"low": 0}
    preview = await quality.preview(town.operator, rule_id, looser, town.hospital)
    assert preview.before is not None
    assert (preview.seen, preview.before.failed, preview.after.failed) == (1, 1, 0)
    after = await quality.change(town.operator, rule_id, looser, WHY, version=1)
    assert (after.version, after.low) == (2, 0)
    await quality.change(
        town.operator, rule_id, {"low": 0, "severity": "warning", "off": True}, WHY, version=2
    )
    rule, changes = await quality.rule(rule_id)
    assert (rule.off, rule.severity, rule.version) == (True, Severity.WARNING, 3)
    assert [(change.version, change.reason) for change in changes] == [(3, WHY), (2, WHY)]
    await town.sends({"resourceType": "Patient", **MALE}, number="2")
    assert (await town.today())[rule_id] == (1, 1)
    entries, _ = await town.city.city.services.audit.list_entries(
        town.operator, AuditFilter(action="quality.change_rule")
    )
    assert len(entries) == 2


async def test_rules_are_the_citys_and_a_day_is_the_hospitals(town: Town):
    quality, rule_id = town.quality, rule_of(town, "缺性别")
    attempts = [
        (quality.change(town.manager, rule_id, {}, WHY, version=1), ErrorCode.FORBIDDEN),
        (quality.preview(town.manager, rule_id, {}, town.hospital), ErrorCode.FORBIDDEN),
        (quality.day(town.manager, "elsewhere", clock.today()), ErrorCode.NOT_FOUND),
        (quality.change(town.operator, rule_id, {}, " ", version=1), ErrorCode.REASON_REQUIRED),
        (quality.change(town.operator, rule_id, {}, WHY, version=7), ErrorCode.CONFLICT),
        (quality.change(town.operator, rule_id, {"pattern": "("}, WHY, version=1), ErrorCode.BAD_REQUEST),
        (quality.rule("NONE-001"), ErrorCode.NOT_FOUND),
    ]
    for attempt, code in attempts:
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.code is code
    await town.sends({"resourceType": "Patient", **MALE})
    [mine] = await quality.days(town.manager, 7)
    assert (mine.organization_id, mine.resources) == (town.hospital, 1)
    nobodys = Actor("staff", new_id(), Role.HOSPITAL_OPERATOR, frozenset({"elsewhere"}))
    assert await quality.days(nobodys, 7) == []
