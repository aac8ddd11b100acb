"""What goes out, read back by our own reader: in every version, whatever the texts say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.exchange.v2.outbound_appointments import write_visit
from backend.exchange.v2.outbound_line import read_answer
from backend.exchange.v2.outbound_models import (
    CHARSETS,
    VERSIONS,
    Family,
    Letter,
    Named,
    Party,
    Referred,
    Step,
    Target,
    Visit,
    Whom,
)
from backend.exchange.v2.outbound_referrals import TELLINGS, tellings, write_referral
from backend.exchange.v2.receiving import look
from backend.exchange.v2.segments import Content
from backend.patient_index.models import ChartNumber
from backend.referrals.machine import ReferralEvent

AT = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
WHOM = Whom("P" * 26, "王秀英", "11010519491231002X", "female", date(1949, 12, 31), "13800001111")
ANY_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1
)


def letter(version: str = "2.5.1", charset: str = "UNICODE UTF-8") -> Letter:
    target = Target("O" * 26, "his", 2575, False, version, charset, frozenset(Family), "HIS^1", "H|1")
    return Letter(target, "A" * 20, AT)


def visit(event: str = "S12", **more: str) -> Visit:
    reason = Named("BOOKED", more.get("reason", "预约"))
    department = Named("NK", more.get("department", "内科"))
    return Visit(
        "B" * 26, event, "PB-1", department, more.get("place", "二楼"), Named("D1", "陈明"), AT,
        AT + timedelta(minutes=5), 7, "wechat", reason,
    )  # fmt: skip


def referred(text: str) -> Referred:
    side = Party("O" * 26, text, Named("NK", "内科"), Named("D1", "周医生"), "13700000001")
    return Referred(
        "R" * 26, "P" * 26, True, "emergency", AT, side, side, text, (Named("I20.0", text),), (text, "注意"),
        AT, "12床", "B" * 26,
    )  # fmt: skip


def read(text: str) -> Content:
    content, problems = look(text, training=False)
    assert problems == []
    assert content is not None
    return content


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_written_as_it_is_read(version: str) -> None:
    for event in ("S12", "S15", "S26"):
        text = write_visit(letter(version), visit(event), WHOM)
        content = read(text)
        names = content.names()
        later = [int(part) for part in version.split(".")]
        assert ("TQ1" in names) == (later >= [2, 5])
        slot, patient = (next(content.each(name)) for name in ("SCH", "PID"))
        # Withdrawn in 2.7.
        assert slot.has(11) == (later < [2, 7])
        assert slot.text(1) == "B" * 26
        assert [rep.c(5) for rep in patient.reps(3)] == ["PI", "NI"]
        assert "HIS\\S\\1|H\\F\\1" in text.split("\r")[0]


def test_a_hospital_is_told_by_its_own_number_first() -> None:
    own = replace(WHOM, numbers=(ChartNumber("HIS", "MR1"),))
    patient = next(read(write_visit(letter(), visit(), own)).each("PID"))
    assert (patient.text(3), patient.text(3, 5)) == ("MR1", "MR")
    # Of somebody whose account is gone, his number is left.
    gone = Whom("P" * 26, "", "", "unknown", None, "")
    assert "PID|1||PPPPPPPPPPPPPPPPPPPPPPPPPP^^^HEALTHYCITY^PI" in write_visit(letter(), visit("S15"), gone)


@given(ANY_TEXT)
def test_no_text_parts_a_field_and_every_charset_holds_it(said: str) -> None:
    text = write_visit(letter(), visit(department=said, reason=said, place=said), WHOM)
    content = read(text)
    assert next(content.each("AIS")).text(3, 2) == said
    assert next(content.each("SCH")).text(6, 2) == said
    letter_out = write_referral(letter(), TELLINGS["send"][0], referred(said), Step("send", AT), WHOM)
    again = read(letter_out)
    assert next(again.each("RF1")).text(10, 2) == said
    assert [one.whole(3) for one in again.each("NTE")] == [said, "注意"]
    for codec in CHARSETS.values():
        assert letter_out.encode(codec).decode(codec) == letter_out


def test_every_event_of_a_referral_is_told_or_is_nobodys_business() -> None:
    """What is not in the table is another referral's, the city's, the receiver's, or the patient's wish."""
    assert set(TELLINGS) <= set(ReferralEvent)
    untold = {"wish", "escalate", "redirect", "begin_treatment", "identify", "follow_up"}
    assert set(ReferralEvent) - set(TELLINGS) == untold
    for event in TELLINGS:
        for telling in tellings(Step(event, AT, "原因", by_resident=True)):
            content = read(
                write_referral(letter("2.4"), telling, referred("胸闷"), Step(event, AT, "原因"), WHOM)
            )
            assert next(content.each("RF1")).text(1) == telling.status
            assert telling.to_receiver == (telling.kind == "REF")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("MSH|^~\\&|H|H|||2026||ACK|1|P|2.5\rMSA|AA|X\r", ("AA", "", "")),
        ("MSH|^~\\&|H|H|||2026||ACK|1|P|2.5\nMSA|CE|X\nERR||PID^1^5|101^缺^HL70357|E||||缺少姓名\n",
         ("AE", "101", "缺少姓名")),
        ("MSH|^~\\&|H|H|||2026||ACK|1|P|2.3\rMSA|AR|X|busy\rERR|^^^207&Application error&HL70357\r",
         ("AR", "207", "Application error；busy")),
        ("MSH$%~\\&$H$H$$$2026$$ACK$1$P$2.5\rMSA$AE$X\rERR$$PID%1$102%bad \\F\\ mark$E\r",
         ("AE", "102", "bad $ mark")),
    ],
)  # fmt: skip
def test_an_answer_is_understood_in_its_own_version_and_marks(
    answer: str, expected: tuple[str, str, str]
) -> None:
    found = read_answer(answer.encode(), "X")
    assert (found.verdict, found.code, found.said) == expected


@pytest.mark.parametrize(
    "answer",
    ["hello", "MSH|^~\\&|H|H|||2026||ACK|1|P|2.5\rMSA|AA|Y\r", "MSH|^~\\&|H|H|||2026||ACK|1|P|2.5\r", ""],
)
def test_what_answers_another_message_or_nothing_is_no_answer(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_answer(answer.encode(), "X")
