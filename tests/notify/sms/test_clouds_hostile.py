"""The clouds' pushes as nobody should send them: read or refused, never a crash, and no good entry lost."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.ports import InvalidNoticeError
from notify.sms.aliyun import AliyunSMS, AliyunSMSConfig
from notify.sms.tencent import TencentSMS, TencentSMSConfig

ALIYUN = AliyunSMS(AliyunSMSConfig("id", "secret", "健康城市", url="http://127.0.0.1:9"))
TENCENT = TencentSMS(TencentSMSConfig("id", "secret", "1400", "健康城市", url="http://127.0.0.1:9"))
# What a good entry is known by when it has come through.
MARK = "the-good-one"


@dataclass(frozen=True)
class Push:
    """One kind of push: its parser, an entry it reads, the entry's time and phone fields."""

    parse: Callable[[bytes], tuple[Any, ...]]
    good: dict[str, Any]
    phone: str
    time: str
    spoils: tuple[tuple[str, Any], ...]


PUSHES = {
    "aliyun-reports": Push(
        ALIYUN.parse_reports,
        {
            "phone_number": "13911112222",
            "send_time": "2026-01-05 09:30:00",
            "report_time": "2026-01-05 09:30:02",
            "success": True,
            "err_code": "DELIVERED",
            "err_msg": "用户接收成功",
            "sms_size": "1",
            "biz_id": MARK,
            "out_id": "67890",
        },
        "phone_number",
        "report_time",
        (("success", 1), ("success", "yes"), ("success", None), ("phone_number", "nobody")),
    ),
    "aliyun-replies": Push(
        ALIYUN.parse_replies,
        {
            "phone_number": "13911112222",
            "send_time": "2026-01-05 09:30:02",
            "content": MARK,
            "dest_code": "1234",
            "sequence_id": 1234567890,
        },
        "phone_number",
        "send_time",
        (("content", None), ("content", ["1"]), ("phone_number", True)),
    ),
    "tencent-reports": Push(
        TENCENT.parse_reports,
        {
            "user_receive_time": "2026-01-05 09:30:02",
            "nationcode": "86",
            "mobile": "13911112222",
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "description": "用户短信送达成功",
            "sid": MARK,
        },
        "mobile",
        "user_receive_time",
        (("report_status", "PERHAPS"), ("report_status", 1), ("sid", ""), ("nationcode", "8" * 40)),
    ),
    "tencent-replies": Push(
        TENCENT.parse_replies,
        {
            "extend": "08",
            "mobile": "13911112222",
            "nationcode": "86",
            "sign": "健康城市",
            "text": MARK,
            "time": 1767576602,
        },
        "mobile",
        "time",
        (("text", 1), ("text", None), ("mobile", "+")),
    ),
}
every = pytest.mark.parametrize("push", PUSHES.values(), ids=PUSHES.keys())

characters = st.text(st.characters(codec=None), max_size=30)  # lone surrogates included
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**40, 10**41)
    | st.floats()
    | characters
    | st.sampled_from(
        [
            "13911112222",
            "0001-01-01 00:00:00",
            "9999-12-31 23:59:59",
            "2026-02-30 00:00:00",
            "SUCCESS",
            "\ud800",
        ]
    )
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(characters, inner, max_size=4)
)
names = sorted({name for push in PUSHES.values() for name in push.good})
entries = st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))


def storable(item: Any) -> bool:
    """Whether a database would take every field, and none is longer than it may be."""
    found = [getattr(item, one.name) for one in fields(item)]
    texts = [one for one in found if isinstance(one, str)]
    assert all(text.encode() is not None and len(text) <= 2000 for text in texts)
    return item.at is None or item.at.tzinfo is UTC


def read_or_refused(push: Push, body: bytes) -> tuple[Any, ...]:
    try:
        found = push.parse(body)
    except InvalidNoticeError:
        return ()
    assert all(storable(item) for item in found)
    return found


def mark_of(item: Any) -> str:
    return str(getattr(item, "text", "") or getattr(item, "provider_id", ""))


@every
@given(value=values)
def test_any_json_is_read_or_refused(push: Push, value: Any):
    read_or_refused(push, json.dumps(value).encode())


@every
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(push: Push, body: bytes):
    read_or_refused(push, body)


@every
@given(bad=st.lists(entries | values, max_size=5), place=st.integers(0, 5))
def test_a_good_entry_is_kept_whatever_stands_beside_it(push: Push, bad: list[Any], place: int):
    body = json.dumps([*bad[:place], push.good, *bad[place:]]).encode()
    assert MARK in [mark_of(item) for item in read_or_refused(push, body)]


@every
@given(spoilt=st.dictionaries(st.sampled_from(names), values, min_size=1, max_size=3))
def test_an_entry_with_any_fields_spoilt_is_read_or_refused(push: Push, spoilt: dict[str, Any]):
    read_or_refused(push, json.dumps([push.good | spoilt]).encode())


@every
@pytest.mark.parametrize("opening", [b"[", b'{"mobile":', b'[{"a":'])
@pytest.mark.parametrize("depth", [500, 200_000])
def test_very_deep_json_is_refused(push: Push, opening: bytes, depth: int):
    with pytest.raises(InvalidNoticeError):
        push.parse(opening * depth)
    closing = {b"[": b"]", b'{"mobile":': b"}", b'[{"a":': b"}]"}[opening]
    read_or_refused(push, opening * depth + b"1" + closing * depth)


@every
def test_a_number_of_thousands_of_digits_spoils_its_own_entry_only(push: Push):
    huge = json.dumps(push.phone).encode() + b": " + b"9" * 10_000
    (kept,) = push.parse(b"[{" + huge + b"}, " + json.dumps(push.good).encode() + b"]")
    assert (kept.phone, mark_of(kept)) == ("13911112222", MARK)


@every
def test_a_good_entry_is_read_by_itself_and_in_a_list(push: Push):
    alone, listed = (push.parse(json.dumps(body).encode()) for body in (push.good, [push.good]))
    assert alone == listed
    assert alone[0].at == datetime(2026, 1, 5, 1, 30, 2, tzinfo=UTC)


@every
def test_what_cannot_be_read_is_refused(push: Push):
    for body in (b"", b"hello", b"[1]", b"{", b"\xff\xff", b"null", b'{"mobile": "13911112222"}'):
        with pytest.raises(InvalidNoticeError):
            push.parse(body)
    for name, value in push.spoils:
        with pytest.raises(InvalidNoticeError):
            push.parse(json.dumps([push.good | {name: value}]).encode())


@every
def test_no_entries_are_no_mistake(push: Push):
    assert push.parse(b"[]") == ()


@every
@pytest.mark.parametrize(
    "written", ["0001-01-01 00:00:00", "yesterday", -1, 10**20, True, None, [], "１２３"]
)
def test_a_time_that_is_none_is_left_out(push: Push, written: Any):
    (item,) = push.parse(json.dumps(push.good | {push.time: written}).encode())
    assert item.at is None


@every
def test_no_text_is_longer_than_the_books_have_room_for(push: Push):
    texts = [name for name, value in push.good.items() if isinstance(value, str)]
    form = {push.phone, push.time, "report_status", "nationcode"}
    long = {name: "长" * 100_000 for name in texts if name not in form}
    (item,) = push.parse(json.dumps(push.good | long).encode())
    bounds = {"provider_id": 64, "reference": 64, "code": 40, "text": 2000, "extension": 20}
    lengths = {name: len(getattr(item, name)) for name in bounds if getattr(item, name, "")}
    assert lengths == {name: bounds[name] for name in lengths}
    assert lengths


@every
def test_half_a_character_is_replaced_and_a_whole_one_kept(push: Push):
    marked = next(name for name, value in push.good.items() if value == MARK)
    body = json.dumps([push.good]).replace(f'"{marked}": "{MARK}"', f'"{marked}": "\\ud83d\\ude00 \\ud83d!"')
    (item,) = push.parse(body.encode())
    assert mark_of(item) == "😀 \N{REPLACEMENT CHARACTER}!"


@every
@pytest.mark.parametrize("written", ["13911112222", "+8613911112222", "8613911112222", 13911112222])
def test_a_mainland_number_is_kept_as_ours_are(push: Push, written: Any):
    (item,) = push.parse(json.dumps(push.good | {push.phone: written}).encode())
    assert item.phone == "13911112222"


def test_a_number_abroad_keeps_its_countrys_code():
    good = PUSHES["tencent-replies"].good | {"nationcode": "852", "mobile": "51234567"}
    (reply,) = TENCENT.parse_replies(json.dumps(good).encode())
    assert reply.phone == "+85251234567"


def test_a_report_known_by_our_number_alone_is_read():
    good = PUSHES["aliyun-reports"].good | {"biz_id": ""}
    (report,) = ALIYUN.parse_reports(json.dumps(good).encode())
    assert (report.provider_id, report.reference) == ("", "67890")
    with pytest.raises(InvalidNoticeError):
        ALIYUN.parse_reports(json.dumps(good | {"out_id": ""}).encode())
