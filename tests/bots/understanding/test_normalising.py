"""One form for everything people type."""

import pytest

from bots.understanding.hospital_names import spoken_names
from bots.understanding.normalising import MAX_LENGTH, normalise
from bots.understanding.numerals import number_of


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ＴＤ", "td"),
        ("１２号", "12号"),
        ("1️⃣", "1"),
        ("②", "2"),
        ("掛號 兒科", "挂号儿科"),
        ("明天 上午，儿 科！", "明天上午 儿科"),
        ("二kе", "二ke"),
        ("好的😊[微笑]", "好的"),
        ("👌", "好的"),
        ("挂骨科👌", "挂骨科"),
        ("11.25 儿科", "11.25儿科"),
        ("8:30-10:00", "8:30到10:00"),
        ("周一~周三", "周一到周三"),
        ("er bi hou ke", "er bi hou ke"),
        ("a\u200bb", "ab"),
        ("1 2", "1 2"),
    ],
)
def test_what_is_typed_becomes_one_form(typed: str, read: str):
    assert normalise(typed) == read


@pytest.mark.parametrize("typed", ["\ufdfa" * 500, "x" * 5_000, "é" * 1_000])
def test_no_text_grows_beyond_what_is_read(typed: str):
    assert len(normalise(typed)) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("25", 25),
        ("二十五", 25),
        ("廿五", 25),
        ("十一", 11),
        ("十", 10),
        ("两", 2),
        ("二零二六", 2026),
        ("卅", 30),
    ],
)
def test_numerals(text: str, number: int):
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "十十", "年", "二十年"])
def test_what_is_no_numeral(text: str):
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("name", "district", "spoken"),
    [
        ("健康市第二人民医院", "", {"市二院", "二院", "第二医院", "市第二人民医院"}),
        ("康宁县人民医院", "康宁县", {"县医院", "人民医院", "康宁医院", "县人民医院"}),
        ("健康市妇幼保健院", "", {"市妇幼", "妇幼", "妇保院"}),
        ("春熙街道社区卫生服务中心", "", {"春熙社区", "社区医院"}),
        ("柳河镇中心卫生院", "", {"柳河卫生院", "卫生院"}),
    ],
)
def test_hospitals_have_the_names_people_use(name: str, district: str, spoken: set[str]):
    found = spoken_names(name, "健康市", district)
    assert spoken <= found
    assert name not in found
    assert "医院" not in found


def test_the_citys_name_is_dropped_with_and_without_its_last_character():
    assert {"市一院", "一院", "人民医院"} <= spoken_names("健康城第一人民医院", "健康城市", "康宁区")
    assert {"市一院", "一院", "人民医院"} <= spoken_names("健康城市第一人民医院", "健康城市", "康宁区")
