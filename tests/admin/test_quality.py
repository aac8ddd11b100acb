"""The quality of data in the console: scores, what was not kept, and rules that are tried and changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from admin import quality_words
from backend import clock
from backend.exchange.quality.functions import CHECKS
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
    ("table", "keys"),
    [
        (quality_words.KINDS, Kind),
        (quality_words.KIND_NOTES, Kind),
        (quality_words.SEVERITIES, Severity),
        (quality_words.CHECKS, CHECKS),
    ],
)
def test_every_kind_has_a_word(table: dict[str, object], keys: Iterable[str]) -> None:
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


NEW = f"{BASE}/rules/new"
FAR: dict[str, Any] = {
    "title": "血压数值过高", "source": "本市约定", "severity": "error", "path": "valueQuantity.value",
    "high": "300", "when_1": "code.coding.code", "when_1_is": "among", "when_1_values": "8480-6, 8462-4",
}  # fmt: skip


async def test_the_city_writes_a_rule_tries_it_and_takes_it_back(console: Console, town: Town) -> None:
    services, hospital = console.city.services, town.first.organization
    chart = await make_chart(services, hospital.id, "1")
    body = {
        "status": "final",
        "code": {"coding": [{"code": "8480-6"}]},
        "valueQuantity": {"value": 400, "unit": "mm[Hg]"},
    }
    batch = [Incoming("Observation", chart.id, body, key="1")]
    await services.records.write(hospital.id, batch, Source("fhir", new_id(), hospital.id, clock.now()))
    mine = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    assert NEW not in (await mine.get(f"{BASE}/rules")).links
    await mine.get(NEW, expect=403)
    city = await console.sign_in(Role.CITY_OPERATOR)
    assert NEW in (await city.get(f"{BASE}/rules")).links
    assert "检查哪一种资料" in (await city.get(NEW)).text
    await city.get(f"{NEW}?type=Observation&kind=range")
    key = city.page.form(NEW).fields["key"] if city.page else ""
    page = await city.submit(NEW, step="preview", organization=hospital.id, **FAR)
    assert "最近1份资料：不合格1份（检查1份）" in page.text
    page = await city.submit(NEW, step="sample", **FAR, sample=orjson.dumps(body).decode())
    assert "样本不合格" in page.text
    assert "400" in page.text
    page = await city.submit(
        NEW, step="save", reason="x", **{**FAR, "path": "valueQuantity.vlue"}, expect=400
    )
    assert "是不是 value？" in page.text
    assert page.form(NEW).fields["key"] == key
    # Sent twice, it is one rule.
    token = page.form(NEW).fields
    for _ in range(2):
        await city.post(NEW, {**token, **FAR, "step": "save", "reason": "质控例会"})
        assert city.page
        assert "血压数值过高" in city.page.text
    added = await city.get(f"{BASE}/rules?state=added")
    [link] = [link for link in added.links if "/CITY-" in link]
    await city.get(link)
    # A box left empty stays empty: what is not asked of the rule is not changed.
    page = await city.submit(link, step="save", reason="放宽", **{**FAR, "high": "350"})
    assert "第2版" in page.text
    await city.submit(link, step="retire", reason="", expect=400)
    page = await city.submit(link, step="retire", reason="并入国家规则")
    assert not page.has_form(link)
    assert "已撤销" in page.text
    assert link not in (await city.get(f"{BASE}/rules")).links
    assert link in (await city.get(f"{BASE}/rules?state=retired")).links
    copy = await city.get(f"{NEW}?like={link.rpartition('/')[2]}")
    assert copy.form(NEW).fields["when_1_values"] == "8480-6 8462-4"
    await city.get(f"{NEW}?like=NONE-001", expect=404)
    shipped = await city.get(f"{BASE}/rules/PAT-001")
    await city.post(
        f"{BASE}/rules/PAT-001",
        {**shipped.form(f"{BASE}/rules/PAT-001").fields, "step": "retire", "reason": "x"},
        expect=400,
    )


async def test_numbers_that_are_none_are_refused_in_words(console: Console) -> None:
    city = await console.sign_in(Role.CITY_OPERATOR)
    for kind, box in (("range", "high"), ("time", "within_days")):
        for wrong in ("nan", "inf", "1e999", "很多", "-inf"):
            await city.get(f"{NEW}?type=Patient&kind={kind}")
            about = {"title": "x", "source": "x", "path": "birthDate", "until": "now", "reason": "x"}
            page = await city.submit(NEW, step="save", **about, **{box: wrong[:6]}, expect=400)
            assert "须为数字" in page.text, (box, wrong)
