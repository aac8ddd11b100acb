"""The quality of data in the console: scores, what was not kept, and rules that are tried and changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from admin import quality_words
from backend import clock
from backend.exchange.quality.models import Kind, Severity
from backend.exchange.quality.reading import given_rules
from backend.ids import new_id
from backend.permissions import Role
from backend.records.models import Incoming, Source
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.charts import make_chart

BASE = "/admin/quality"


@pytest.mark.parametrize(
    ("table", "keys"), [(quality_words.KINDS, Kind), (quality_words.SEVERITIES, Severity)]
)
def test_every_kind_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == set(table)
    assert {rule.type for rule in given_rules().values()} == set(quality_words.TYPES)


async def test_scores_are_read_and_a_rule_is_tried_and_changed(console: Console, town: Town) -> None:
    services, hospital = console.city.services, town.first.organization
    chart = await make_chart(services, hospital.id, "1")
    body = {"gender": "other sex", "birthDate": "1985-03-12", "name": [{"text": "王伟"}]}
    source = Source("fhir", new_id(), hospital.id, clock.now())
    await services.records.write(hospital.id, [Incoming("Patient", chart.id, body)], source)
    mine = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await mine.get(BASE)
    assert hospital.name in page.text
    page = await mine.get(f"{BASE}/days/{hospital.id}")
    assert "性别代码不在范围内" in page.text
    assert chart.id in page.text
    assert "王伟" not in page.html
    await mine.get(f"{BASE}/days/{town.second.organization.id}", expect=404)
    [rule] = [each for each in given_rules().values() if each.title == "性别代码不在范围内"]
    assert not (await mine.get(f"{BASE}/rules/{rule.id}")).has_form(f"{BASE}/rules/{rule.id}")
    city = await console.sign_in(Role.CITY_OPERATOR)
    page = await city.get(f"{BASE}/rules?type=Patient&kind=code")
    assert rule.id in page.text
    one = f"{BASE}/rules/{rule.id}"
    await city.get(one)
    looser: dict[str, Any] = {"among": "male female other", "pattern": "other sex", "severity": "warning"}
    page = await city.submit(one, step="preview", organization=hospital.id, **looser)
    assert "现在不合格1份（检查1份），改后不合格0份（检查1份）" in page.text
    assert services.quality.counting.rules.rules[rule.id].version == 1
    page = await city.submit(one, step="save", reason="", **looser, expect=400)
    page = await city.submit(one, step="save", reason="本市约定", **looser)
    assert "本市约定" in page.text
    assert services.quality.counting.rules.rules[rule.id].pattern == "other sex"
    await city.get(one)
    page = await city.submit(one, step="save", reason="x", pattern="(", expect=400)
    assert "无法使用" in page.text
