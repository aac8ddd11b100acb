"""Cloud MAS' pushes as nobody should send them: read or refused, never a crash, and no good entry lost."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.ports import InvalidNoticeError
from notify.sms.cloud_mas import CloudMAS, CloudMASConfig

MAS = CloudMAS(CloudMASConfig("http://127.0.0.1:9", "单位", "ap", "key", "sign"))
GOOD: dict[str, Any] = {
    "reportStatus": "DELIVRD",
    "mobile": ["13911112222"],
    "receiveDate": "20260105093002",
    "errorCode": "DELIVRD",
    "msgGroup": "the-good-one",
    "smsContent": "the-good-one",
    "sendTime": "20260105093002",
    "addSerial": "08",
}

Parse = Callable[[bytes], tuple[Any, ...]]
PARSERS: list[Parse] = [MAS.parse_reports, MAS.parse_replies]
both = pytest.mark.parametrize("parse", PARSERS, ids=["reports", "replies"])

characters = st.text(st.characters(codec=None), max_size=30)  # lone surrogates included
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**40, 10**41)
    | st.floats()
    | characters
    | st.sampled_from(
        ["13911112222", "00010101000000", "99991231235959", "20260230000000", "１２３", "\ud800"]
    )
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(characters, inner, max_size=4)
)
entries = st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, values))


def storable(item: Any) -> bool:
    """Whether a database would take every field."""
    texts = [getattr(item, name) for name in ("phone", "code", "provider_id", "text") if hasattr(item, name)]
    return all(text.encode() is not None for text in texts) and (item.at is None or item.at.tzinfo is UTC)


def read_or_refused(parse: Parse, body: bytes) -> tuple[Any, ...]:
    try:
        found = parse(body)
    except InvalidNoticeError:
        return ()
    assert all(storable(item) for item in found)
    return found


@both
@given(value=values)
def test_any_json_is_read_or_refused(parse: Parse, value: Any):
    read_or_refused(parse, json.dumps(value).encode())


@both
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(parse: Parse, body: bytes):
    read_or_refused(parse, body)
    read_or_refused(parse, base64.b64encode(body))


@both
@given(bad=st.lists(entries | values, max_size=5), place=st.integers(0, 5))
def test_a_good_entry_is_kept_whatever_stands_beside_it(parse: Parse, bad: list[Any], place: int):
    body = json.dumps([*bad[:place], GOOD, *bad[place:]]).encode()
    found = read_or_refused(parse, body)
    assert any("the-good-one" in (getattr(i, "provider_id", ""), getattr(i, "text", "")) for i in found)


@both
@pytest.mark.parametrize("opening", [b"[", b'{"mobile":', b'[{"a":'])
@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_very_deep_json_is_refused(parse: Parse, opening: bytes, depth: int):
    with pytest.raises(InvalidNoticeError):
        parse(opening * depth)
    closing = {b"[": b"]", b'{"mobile":': b"}", b'[{"a":': b"}]"}[opening]
    read_or_refused(parse, opening * depth + b"1" + closing * depth)


@both
def test_a_number_of_thousands_of_digits_spoils_its_own_entry_only(parse: Parse):
    huge = b'[{"mobile": ' + b"9" * 10_000 + b"}, " + json.dumps(GOOD).encode() + b"]"
    assert [item.phone for item in parse(huge)] == ["13911112222"]


@both
@pytest.mark.parametrize("written", ["00010101000000", "00010101075959"])
def test_a_time_before_the_calendar_begins_is_no_time(parse: Parse, written: str):
    dated = GOOD | {"receiveDate": written, "sendTime": written}
    (item,) = parse(json.dumps(dated).encode())
    assert item.at is None


@both
def test_the_last_second_of_the_calendar_is_a_time(parse: Parse):
    dated = GOOD | {"receiveDate": "99991231235959", "sendTime": "99991231235959"}
    (item,) = parse(json.dumps(dated).encode())
    assert item.at == datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)


def test_half_a_character_is_replaced_and_a_whole_one_kept():
    (reply,) = MAS.parse_replies(b'{"mobile": "13911112222", "smsContent": "\\ud83d\\ude00 \\ud83d!"}')
    assert reply.text == "😀 \N{REPLACEMENT CHARACTER}!"


def test_a_phone_that_is_none_is_left_out_of_an_entry_with_several():
    body = json.dumps(GOOD | {"mobile": [None, "", "abc", "1" * 500, {}, 13933334444]}).encode()
    (report,) = MAS.parse_reports(body)
    assert report.phone == "13933334444"


def test_no_text_is_longer_than_the_books_have_room_for():
    long = GOOD | dict.fromkeys(("msgGroup", "errorCode", "smsContent", "addSerial"), "长" * 100_000)
    (report,), (reply,) = (
        MAS.parse_reports(json.dumps(long).encode()),
        MAS.parse_replies(json.dumps(long).encode()),
    )
    assert (len(report.provider_id), len(report.code)) == (64, 40)
    assert (len(reply.text), len(reply.extension)) == (2000, 20)


def test_no_entries_are_no_mistake():
    assert MAS.parse_reports(b"[]") == ()


def test_a_reply_at_the_address_for_reports_is_refused_and_so_is_a_report_at_that_for_replies():
    report = {"reportStatus": "DELIVRD", "mobile": ["13911112222"], "msgGroup": "g1"}
    reply = {"mobile": "13911112222", "smsContent": "TD", "addSerial": "08"}
    assert MAS.parse_reports(json.dumps(report).encode())
    assert MAS.parse_replies(json.dumps(reply).encode())
    for parse, other in ((MAS.parse_reports, reply), (MAS.parse_replies, report)):
        with pytest.raises(InvalidNoticeError):
            parse(json.dumps(other).encode())


@pytest.mark.parametrize("written", ["8613911112222", "+8613911112222", 13911112222])
def test_a_mainland_number_is_kept_as_ours_are(written: Any):
    (reply,) = MAS.parse_replies(json.dumps({"mobile": written, "smsContent": "TD"}).encode())
    assert reply.phone == "13911112222"
