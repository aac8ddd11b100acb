"""Names: what may stand on an ID card, and that its spellings compare equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.residents.names import PersonNameError, parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张三", "张三"),
        (" 张三 ", "张三"),
        ("张 三", "张三"),
        ("张　三", "张三"),
        ("欧阳娜娜", "欧阳娜娜"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("阿依古丽 ・ 买买提", "阿依古丽·买买提"),
        ("刘〇一", "刘〇一"),
        ("\U0002c029二", "\U0002c029二"),
        ("Mary Ann  O'Neil-Smith", "Mary Ann O'Neil-Smith"),
    ],
)
def test_a_name_is_kept_in_one_form(text: str, name: str) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "张",
        "张3",
        "·张三",
        "张三·",
        "张··三",
        "张_三",
        "张三!",
        "<b>张三</b>",
        "张三\u200b",
        "😀😀",
        "张" * 51,
        "12",
    ],
)
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    with pytest.raises(PersonNameError) as caught:
        parse_name(text)
    assert not text or text not in str(caught.value)


@given(st.text(max_size=60))
def test_a_name_in_its_kept_form_stays_as_it_is(text: str) -> None:
    try:
        name = parse_name(text)
    except PersonNameError:
        return
    assert parse_name(name) == name
    assert 2 <= len(name) <= 50
