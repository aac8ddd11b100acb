"""Rules that a city writes: what is wrong is said in words, and they count like any other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.exchange.quality.counting import Counting
from backend.exchange.quality.functions import CHECKS
from backend.exchange.quality.known_paths import PathUnknownError, types_at
from backend.exchange.quality.models import Kind, Severity
from backend.exchange.quality.reading import given_rules, read_rule, row_of
from backend.exchange.quality.store import QualityStore
from backend.exchange.quality.wrongs import wrongs
from backend.ids import new_id
from tests.backend.exchange.quality.test_service import MALE, WHY, Town
from tests.backend.exchange.quality.test_service import town as town

ABOUT = {"title": "本市规则", "severity": "error", "source": "本市约定", "type": "Patient"}
# One rule of each kind, a resource that keeps it, and one that does not.
KINDS: dict[Kind, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    Kind.PRESENCE: ({"path": "photo"}, {"photo": [{"title": "x"}]}, {}),
    Kind.CODE: (
        {"path": "maritalStatus.text", "pattern": "[未已]婚", "good": "已婚", "bad": "其他"},
        {"maritalStatus": {"text": "未婚"}}, {"maritalStatus": {"text": "不详"}},
    ),
    Kind.RANGE: ({"path": "multipleBirthInteger", "low": 1, "high": 5}, {"multipleBirthInteger": 2},
                 {"multipleBirthInteger": 9}),
    Kind.TIME: ({"path": "birthDate", "until": "deceasedDateTime"}, {"deceasedDateTime": "2020-01-01"},
                {"deceasedDateTime": "1980-01-01"}),
    Kind.CROSS: ({"expression": "name.count() < 2"}, {}, {"name": [{"text": "甲"}, {"text": "乙"}]}),
}  # fmt: skip


def drafted(**fields: Any) -> list[str]:
    row = {**ABOUT, "id": "CITY-1", "kind": "presence", "path": "name.text"}
    return wrongs(read_rule(row | fields))


def test_the_rules_that_come_with_the_program_have_nothing_wrong_but_old_forms():
    for rule in given_rules().values():
        assert wrongs(rule, rule) == [], rule.id
        assert read_rule(row_of(rule)) == rule
        for path in (rule.path, *(each.path for each in rule.when)):
            assert not path or types_at(rule.type, path)
    assert not {rule.check for rule in given_rules().values() if rule.check} - set(CHECKS)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nmae", "是不是 name"), ("name.family.x", "没有更细的项目"), ("onset", "没有“onset”"),
        ("gender->x", "不是引用"),
        ("a b", "不是路径"), ("name[us=official].text", "是不是 use"), ("name.text|nmae", "是不是 name"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_told_with_what_there_is(path: str, said: str):
    with pytest.raises(PathUnknownError, match=said):
        types_at("Patient", path)


def test_a_path_follows_references_to_what_they_may_lead_to():
    assert types_at("DiagnosticReport", "specimen->collection.collectedDateTime") == {"dateTime"}
    assert types_at("Observation", "valueQuantity.value|valueInteger") == {"decimal", "integer"}
    with pytest.raises(PathUnknownError, match="onsetDateTime"):
        types_at("Condition", "onset")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": ""}, "不合格时的说明"), ({"title": "长" * 101}, "最多100字"), ({"source": ""}, "依据"),
        ({"type": "Robot"}, "资料的种类"), ({"path": ""}, "检查的项目"), ({"path": "nmae"}, "是不是 name"),
        ({"low": float("nan")}, "普通的数字"), ({"low": float("inf")}, "普通的数字"), ({"low": 0.5}, "整数"),
        ({"low": -1}, "整数"), ({"low": 3, "high": 2}, "下限不能大于上限"), ({"kind": "code"}, "允许的代码"),
        ({"kind": "code", "pattern": "(a+)+"}, "算很久"), ({"kind": "code", "pattern": "a" * 501}, "太长"),
        ({"kind": "code", "pattern": "a", "good": "b"}, "合格的例子"),
        ({"kind": "code", "pattern": "a", "bad": "a"}, "不合格的例子"), ({"kind": "range"}, "至少填一个"),
        ({"kind": "range", "low": 1}, "不是数值"), ({"kind": "time", "until": "now"}, "不是日期或时间"),
        ({"kind": "time", "path": "birthDate"}, "不能晚于什么"),
        ({"kind": "time", "path": "birthDate", "until": "gender"}, "不是日期或时间"),
        ({"kind": "time", "path": "birthDate", "until": "now", "within_days": 10**9}, "最长相隔天数"),
        ({"kind": "cross"}, "检查方法"), ({"kind": "cross", "check": "none"}, "没有这种检查方法"),
        ({"kind": "cross", "check": "series_count"}, "没有这个项目"),
        ({"kind": "cross", "check": "name_characters", "expression": "a"}, "两者取一"),
        ({"kind": "cross", "expression": "a b"}, "写法不对"),
        ({"kind": "cross", "expression": "a" * 501}, "500"),
        ({"when": [{"path": ""}]}, "前提缺项目"), ({"when": [{"path": "nmae"}]}, "前提：Patient没有"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_said_in_words(fields: dict[str, Any], said: str):
    assert said in "；".join(drafted(**fields)), drafted(**fields)


async def test_a_rule_of_every_kind_is_tried_added_and_counts_from_then_on(town: Town):
    quality = town.quality
    for number, (kind, (fields, good, bad)) in enumerate(KINDS.items()):
        wanted = {**ABOUT, "kind": str(kind), **fields}
        patient = {"resourceType": "Patient", **MALE}
        for more, kept in ((good, True), (bad, False)):
            body = str({**patient, **more}).replace("'", '"')
            assert (await quality.sample(town.operator, None, wanted, body)).kept is kept, kind
        rule = await quality.add(town.operator, new_id(), wanted, WHY)
        assert rule.id.startswith("CITY-")
        await town.sends({**patient, **good}, number=f"{number}a")
        await town.sends({**patient, **bad}, number=f"{number}b")
        assert (await town.today())[rule.id] == (2, 1), kind
        preview = await quality.preview(town.operator, None, wanted, town.hospital)
        assert preview.before is None
        assert preview.after.failed >= 1
    client = await town.city.hospital_client()
    told = await town.city.call("GET", "/hospital/v1/quality/rules", as_=client)
    assert sum(each["added"] for each in told["items"]) == len(KINDS)
    assert len(told["items"]) == len(KINDS) + len(given_rules())


async def test_an_added_rule_lives_in_versions_and_is_taken_back_for_good(town: Town):
    quality, fields = town.quality, {**ABOUT, "kind": "presence", "path": "photo"}
    rule = await quality.add(town.operator, new_id(), fields, WHY)
    await town.sends({"resourceType": "Patient", **MALE})
    change = {"path": "photo.title", "severity": "hint", "type": "Observation", "kind": "range"}
    second = await quality.change(town.operator, rule.id, change, "改看标题", version=1)
    assert (second.path, second.severity, second.type) == ("photo.title", Severity.HINT, "Patient")
    # Another process reads the same from the database alone.
    elsewhere = Counting(QualityStore(town.city.city.db))
    await elsewhere.reload()
    assert elsewhere.rules.rules[rule.id] == second
    third = await quality.retire(town.operator, rule.id, "不再需要", version=2)
    assert (third.retired, third.in_force) == (True, False)
    await town.sends({"resourceType": "Patient", **MALE}, number="2")
    assert (await town.today())[rule.id] == (1, 1)
    _, changes = await quality.rule(rule.id)
    assert [each.version for each in changes] == [3, 2, 1]
    for attempt in (
        quality.change(town.operator, rule.id, {}, WHY, version=3),
        quality.retire(town.operator, rule.id, WHY, version=3),
        quality.retire(town.operator, rule.id, WHY, version=2),
    ):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.CONFLICT
    audit = town.city.city.services.audit
    entries, _ = await audit.list_entries(town.operator, AuditFilter(object=f"rule/{rule.id}"))
    assert {each.action for each in entries} == {
        "quality.add_rule", "quality.change_rule", "quality.retire_rule"
    }  # fmt: skip


async def test_a_form_sent_twice_at_once_makes_one_rule_and_two_that_change_it_one_version(town: Town):
    quality, key = town.quality, new_id()
    fields = {**ABOUT, "kind": "presence", "path": "photo"}
    one, two = await asyncio.gather(
        quality.add(town.operator, key, fields, WHY), quality.add(town.operator, key, fields, WHY)
    )
    assert one == two
    assert len((await quality.rule(one.id))[1]) == 1
    with pytest.raises(AppError) as refused:
        await quality.add(town.operator, key, {**fields, "title": "另一条"}, WHY)
    assert refused.value.code is ErrorCode.CONFLICT
    done = await asyncio.gather(
        quality.change(town.operator, one.id, {"severity": "hint"}, WHY, version=1),
        quality.retire(town.operator, one.id, WHY, version=1),
        return_exceptions=True,
    )
    assert sum(isinstance(each, AppError) and each.code is ErrorCode.CONFLICT for each in done) == 1


async def test_only_the_city_writes_and_a_sample_may_be_anything(town: Town):
    quality, fields = town.quality, {**ABOUT, "kind": "cross", "check": "stay_at_most_a_year"}
    stay = fields | {"type": "Encounter"}
    attempts = [
        (quality.add(town.manager, new_id(), stay, WHY), ErrorCode.FORBIDDEN),
        (quality.retire(town.manager, "PAT-001", WHY, version=1), ErrorCode.FORBIDDEN),
        (quality.sample(town.manager, None, stay, "{}"), ErrorCode.FORBIDDEN),
        (quality.preview(town.manager, None, stay, town.hospital), ErrorCode.FORBIDDEN),
        (quality.add(town.operator, new_id(), stay, " "), ErrorCode.REASON_REQUIRED),
        (quality.add(town.operator, new_id(), fields, WHY), ErrorCode.BAD_REQUEST),
        (quality.add(town.operator, new_id(), {"kind": "magic"}, WHY), ErrorCode.BAD_REQUEST),
        (quality.retire(town.operator, "PAT-001", WHY, version=1), ErrorCode.BAD_REQUEST),
        (quality.preview(town.operator, None, stay, "nowhere"), None),
    ]
    attempts += [
        (quality.sample(town.operator, None, stay, text), ErrorCode.BAD_REQUEST)
        for text in ("", "{", "[]", "null", '{"resourceType": "Patient"}', '{"period": "x"}', "[" * 5000)
    ]
    for attempt, code in attempts:
        try:
            await attempt
            given = None
        except AppError as error:
            given = error.code
        assert given is code
    assert (await quality.sample(town.operator, None, stay, "{}")).kept is None


async def test_a_rule_of_another_program_is_left_out_and_the_others_count(
    town: Town, db: Database, caplog: pytest.LogCaptureFixture
):
    row = {"rule_id": "CITY-OLD", "version": 1, "fields": {"kind": "magic"}, "changed_by": new_id()}
    await db.collection("quality_rules").insert_one({**row, "changed_at": clock.now(), "reason": "x"})
    rules = await town.quality.rules()
    await town.quality.counting.reload()
    assert "quality_rule_unreadable" in caplog.text
    assert len(rules) == len(given_rules())


async def test_an_expression_that_cannot_be_answered_says_nothing_and_the_others_count(town: Town):
    # Both sides are of types that cannot be compared.
    wanted = {**ABOUT, "kind": "cross", "expression": "birthDate > name.count()"}
    rule = await town.quality.add(town.operator, new_id(), wanted, WHY)
    await town.sends({"resourceType": "Patient", **MALE})
    today = await town.today()
    assert rule.id not in today
    assert today
