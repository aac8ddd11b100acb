"""How likely two charts are one person's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backend.patient_index.blocks import blocks_of
from backend.patient_index.models import Demographics
from backend.patient_index.names import fits, is_newborn
from backend.patient_index.weighing import Grade, degrees_of, weigh

ANNA = Demographics(
    "阿依古丽·买买提", "female", date(1990, 5, 17), "", "13900001111", "健康市和平区幸福路12号3单元"
)
ZHANG = Demographics("张子涵", "male", date(2015, 3, 8), "", "13900002222", "健康市东城区学府街8号")
TODAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, Grade.STRONG),
        ({"name": "阿依古丽•买买提"}, Grade.STRONG),
        ({"name": "阿依古丽・买买提 "}, Grade.STRONG),
        ({"phone": "", "address": ""}, Grade.WEAK),
        ({"phone": "13800003333", "address": ""}, Grade.WEAK),
        ({"phone": "13800003333", "address": "别的城市和另一条路99号"}, Grade.WEAK),
        ({"birth_on": date(1990, 5, 7)}, Grade.STRONG),
        ({"birth_on": date(1990, 5, 7), "phone": "", "address": ""}, None),
        ({"birth_on": None, "address": ""}, Grade.WEAK),
        ({"birth_on": date(1961, 2, 3), "address": ""}, None),
        ({"name": "AYIGULI MAIMAITI"}, Grade.WEAK),
        ({"name": "阿依古?·买买提"}, Grade.WEAK),
        ({"sex": "male", "phone": "", "address": ""}, None),
        ({"name": "帕提古丽·买买提"}, None),
        ({"name": ""}, None),
    ],
)
def test_what_agrees_decides_how_likely_a_pair_is(changes: dict[str, Any], grade: Grade | None):
    weighed = weigh(ANNA, replace(ANNA, **changes))
    assert (weighed.grade if weighed else None) == grade


@pytest.mark.parametrize(
    ("born", "degree"),
    [
        (date(1990, 5, 17), "same"), (date(1990, 5, 11), "near"), (date(1990, 5, 7), "near"),
        (date(1990, 11, 5), "year"), (date(1909, 5, 17), "near"), (date(1990, 1, 2), "year"),
        (date(1961, 2, 3), "other"),
    ],
)  # fmt: skip
def test_slips_of_typing_leave_a_birth_date_near(born: date, degree: str):
    assert degrees_of(ANNA, replace(ANNA, birth_on=born))["birth"] == degree
    fifth = replace(ANNA, birth_on=date(1990, 5, 11))
    assert degrees_of(fifth, replace(ANNA, birth_on=date(1990, 11, 5)))["birth"] == "near"


def test_twins_are_never_suggested_and_twins_who_sound_alike_never_surely():
    for other in ("张子萱", "张梓轩", "张子豪"):
        assert weigh(ZHANG, replace(ZHANG, name=other)) is None
    alike = weigh(ZHANG, replace(ZHANG, name="张子晗"))
    assert alike is not None
    assert alike.grade is Grade.WEAK


@pytest.mark.parametrize(
    "name",
    [
        "张敏之子",
        "张敏之女",
        "张敏之长女",
        "张敏之大子",
        "张敏婴儿",
        "新生儿",
        "BABY OF ZHANG",
        "张敏之双甲子",
    ],
)
def test_a_child_called_after_its_mother_is_compared_with_nobody(name: str):
    child = replace(ZHANG, name=name)
    assert is_newborn(name)
    assert weigh(child, child) is None
    assert blocks_of(child, TODAY) == []


@pytest.mark.parametrize("name", ["张之洞", "子之", "王女士", "张婴", "贝贝", "郭子仪"])
def test_names_that_only_look_like_a_newborns_are_names(name: str):
    assert not is_newborn(name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("张三", "张 三", True),
        ("ZHANG SAN", "张三", True),
        ("Zhang^San", "张三", True),
        ("王喆", "王?", True),
        ("王喆", "王□", True),
        ("王喆", "李?", False),
        ("??", "王喆", False),
        ("张三", "张叁", False),
        ("张三", "李四", False),
        ("阿依古丽·买买提", "阿依古丽.买买提", True),
        ("阿依古丽·买买提", "阿依古丽・买买提", True),
        ("𬭎某", "𬭎某", True),
    ],
)
def test_an_id_number_links_names_that_are_spelled_otherwise_and_no_others(one: str, other: str, same: bool):
    assert fits(one, other) is same


def test_two_charts_of_one_person_share_a_block_in_spite_of_a_slip():
    blocks = set(blocks_of(ANNA, TODAY))
    for changes in (
        {"phone": ""},
        {"birth_on": None},
        {"birth_on": date(1990, 5, 18)},
        {"name": "阿依古丽"},
        {"name": "AYIGULI MAIMAITI", "phone": ""},
    ):
        assert blocks & set(blocks_of(replace(ANNA, **changes), TODAY))
    assert not blocks & set(blocks_of(ZHANG, TODAY))
