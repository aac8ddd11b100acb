"""The sandbox's hospital: what it takes, what it refuses and how it says so, what it knows again."""

from __future__ import annotations

import asyncio

import pytest

from backend.exchange.v2.framing import framed, read_block
from tests.support.outside import Outside

HEAD = "MSH|^~\\&|HEALTHYCITY|CITY|HIS|H|20260301083000||{kind}|{number}|P|2.5.1|||||CHN|GB 18030-2000"
SLOT = "SCH|A1^HEALTHYCITY||||P1|BOOKED^预约|||||||||||||||||||Booked"
PATIENT = "PID|1||MR1^^^HIS^MR||王秀英"
REST = ("RGS|1|A", "AIS|1|A|NK^内科^L")


async def say(outside: Outside, *blocks: bytes) -> list[str]:
    """Messages one after another on a line; the answers."""
    port = (await outside.get("his"))["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for block in blocks:
        writer.write(framed(block))
        answer = await asyncio.wait_for(read_block(reader), 10)
        answers.append((answer or b"").decode("gb18030"))
    writer.close()
    return answers


def message(number: str, *segments: str, kind: str = "SIU^S12^SIU_S12") -> bytes:
    return "\r".join([HEAD.format(kind=kind, number=number), *segments, ""]).encode("gb18030")


async def test_a_booking_is_taken_once_and_known_again(outside: Outside) -> None:
    await outside.post("reset")
    good = message("N1", SLOT, PATIENT, *REST)
    first, again = await say(outside, good, good)
    for answer in (first, again):
        assert "MSA|AA|N1" in answer
        assert answer.split("\r")[0].endswith("|GB 18030-2000")
    [kept] = (await outside.get("his"))["items"]
    assert (kept["times"], kept["verdict"]) == (2, "AA")
    assert "王秀英" in kept["text"]
    [other] = await say(outside, message("N1", SLOT, PATIENT.replace("秀", "小"), *REST))
    assert "MSA|AE|N1" in other
    assert "|205^" in other


@pytest.mark.parametrize(
    ("block", "verdict", "code"),
    [
        (message("N2", SLOT, PATIENT), "AE", "100"),
        (message("N3", SLOT.replace("A1^HEALTHYCITY", ""), PATIENT, *REST), "AE", "101"),
        (message("N4", SLOT, "PID|1||||王秀英", *REST), "AE", "101"),
        (message("N5", PATIENT, kind="ZZZ^Z01^ZZZ"), "AR", "200"),
        (message("N6", SLOT, PATIENT, *REST, kind="SIU^S13^SIU_S12"), "AR", "201"),
        (message("N7", SLOT, PATIENT, *REST).replace(b"|2.5.1|", b"|3.0|"), "AR", "203"),
        (message("N8", SLOT, PATIENT, *REST).replace("秀".encode("gb18030"), b"\xff\xff"), "AE", "102"),
        (b"hello", "AR", "101"),
    ],
)
async def test_what_is_not_right_is_refused_by_its_code(
    outside: Outside, block: bytes, verdict: str, code: str
) -> None:
    [answer] = await say(outside, block)
    assert f"MSA|{verdict}|" in answer
    assert f"|{code}^" in answer


async def test_it_can_be_told_to_misbehave(outside: Outside) -> None:
    await outside.post("reset")
    good = message("N9", SLOT, PATIENT, *REST)
    async with outside.misbehaving(his_refuses="AR"):
        assert "MSA|AR|N9" in (await say(outside, good))[0]
    async with outside.misbehaving(lose_answers_his=1):
        assert (await say(outside, good))[0] == ""
        assert "MSA|AA|N9" in (await say(outside, good))[0]
    assert [(one["verdict"], one["times"]) for one in (await outside.get("his"))["items"]] == [
        ("AR", 1),
        ("AA", 2),
    ]
