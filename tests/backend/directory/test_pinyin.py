"""A name is found by what people type: characters, pinyin, initials, from any syllable on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.directory.pinyin import MAX_KEY_LENGTH, MAX_KEYS, search_keys, search_terms, sort_key


def finds(query: str, name: str, **how: bool) -> bool:
    return all(any(key.startswith(term) for key in search_keys(name, **how)) for term in search_terms(query))


@pytest.mark.parametrize(
    "query",
    ["心血管", "血管", "内科", "xinxueguan", "xxgnk", "nk", "neike", "XINXUE", "xin xue", "xin'xue", "ｎｋ"],
)
def test_a_department_is_found_from_any_syllable_on(query):
    assert finds(query, "心血管内科")


@pytest.mark.parametrize("query", ["外科", "waike", "wk", "xnk", "心血管内科门诊"])
def test_what_is_not_in_the_name_does_not_find_it(query):
    assert not finds(query, "心血管内科")


@pytest.mark.parametrize(
    ("name", "query"),
    [("单丽华", "shanlihua"), ("单丽华", "slh"), ("曾国强", "zeng"), ("仇英", "qiuying"), ("覃勇", "qin"),
     ("覃勇", "tan"), ("吕秀英", "lv"), ("吕秀英", "lu"), ("吕秀英", "lyu"), ("阿依古丽·买买提", "mmt")],
)  # fmt: skip
def test_a_family_name_is_read_as_a_family_name(name, query):
    assert finds(query, name, surname=True)


def test_words_are_read_as_words():
    assert finds("chongqing", "重庆路社区卫生服务中心")
    assert finds("changan", "长安镇卫生院")


def test_latin_words_and_numbers_are_found_too():
    assert finds("ct", "CT诊断")
    assert finds("boston vaccine", "SMART Vaccine Clinic Boston")


def test_names_are_ordered_by_their_sound():
    assert sorted(["外科", "儿科", "内科"], key=sort_key) == ["儿科", "内科", "外科"]


@given(st.text(max_size=60))
def test_any_text_can_be_a_name_or_a_query(text):
    keys = search_keys(text, surname=True)
    assert len(keys) <= MAX_KEYS
    assert all(0 < len(key) <= MAX_KEY_LENGTH for key in keys)
    assert all("\x00" not in term for term in search_terms(text))
