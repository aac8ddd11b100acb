"""Messages broken in every way: each gets an answer, none hangs, and memory stays flat."""

from __future__ import annotations

import gc
import os
import random
import re
from pathlib import Path

import psutil
import pytest

from backend import clock
from backend.exchange.v2.acks import answer_code, make_answer, verdict_of
from backend.exchange.v2.charsets import decode
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.mapper import map_message, whom
from backend.exchange.v2.parsing import open_envelope, read_header
from backend.exchange.v2.receiving import content_digest, look
from tests.backend.exchange.v2.agreement import CHART, HOSPITAL

FIXTURES = sorted(Path("tests/fixtures/hl7v2").glob("*.hl7"))
ANSWER = re.compile(rb"\rMSA.(AA|AE|AR|CA|CE|CR)")
# The whole: HC_FUZZ=10000 pytest tests/backend/exchange/v2/test_fuzz.py
COUNT = int(os.environ.get("HC_FUZZ", "600"))


def mutated(block: bytes, chance: random.Random) -> bytes:
    """The message with one to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        block = chance.choice(MUTATIONS)(block, chance)
    return block


def _cut(block: bytes, chance: random.Random) -> bytes:
    return block[: chance.randint(0, len(block))]


def _drop(block: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(block))
    return block[:at] + block[at + chance.randint(1, 200) :]


def _flip(block: bytes, chance: random.Random) -> bytes:
    if not block:
        return block
    changed = bytearray(block)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _marks(block: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(block))
    return block[:at] + bytes(chance.choices(b'|^~\\&\r\n"', k=chance.randint(1, 40))) + block[at:]


def _swap_lines(block: bytes, chance: random.Random) -> bytes:
    lines = re.split(rb"\r\n|\r|\n", block)
    chance.shuffle(lines)
    return b"\r".join(lines)


def _without_a_line(block: bytes, chance: random.Random) -> bytes:
    lines = re.split(rb"\r\n|\r|\n", block)
    del lines[chance.randrange(len(lines))]
    return b"\r".join(lines)


def _twice(block: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(block))
    return block[:at] + block


def _field(block: bytes, chance: random.Random) -> bytes:
    fields = block.split(b"|")
    odd = [
        b"",
        b'""',
        "王".encode("gb18030"),
        b"\xff\xfe",
        b"9" * 400,
        b"20261399",
        b"-1",
        b"\\X0D\\",
        b"a^b^c&d~e",
    ]
    fields[chance.randrange(len(fields))] = chance.choice(odd)
    return b"|".join(fields)


def _charset(block: bytes, chance: random.Random) -> bytes:
    text = block.decode("utf-8", errors="replace")
    return text.encode(chance.choice(["gb18030", "utf-16", "utf-8-sig", "big5"]), errors="replace")


MUTATIONS = (_cut, _drop, _flip, _marks, _swap_lines, _without_a_line, _twice, _field, _charset)


def answers_to(block: bytes) -> list[bytes]:
    """What the server does with a block, but for the database."""
    text, charset = decode(block)
    found = []
    for message in open_envelope(text).messages or [""]:
        header = read_header(message)
        content, problems = look(message, training=True)
        content_digest(message)
        if content is not None and not problems:
            codes = Codes(HOSPITAL)
            if whom(content, codes) is not None:
                map_message(header, content, chart_id=CHART, codes=codes, received_at=clock.now())
        code = answer_code(header, verdict_of(problems))
        found.append(make_answer(header, code, charset, problems))
    return found


@pytest.mark.timeout(1200 if COUNT > 1000 else 120)
def test_every_broken_message_gets_an_answer_and_memory_stays_flat() -> None:
    blocks = [file.read_bytes() for file in FIXTURES]
    chance, process = random.Random(20260301), psutil.Process()
    verdicts: dict[bytes, int] = {}
    size_after_a_fifth = 0
    for number in range(COUNT):
        for answer in answers_to(mutated(chance.choice(blocks), chance)):
            said = ANSWER.search(answer.replace(b"\x00", b"").removeprefix(b"\xff\xfe"))
            assert said, (number, answer[:300])
            verdicts[said[1]] = verdicts.get(said[1], 0) + 1
        if number == COUNT // 5:
            gc.collect()
            size_after_a_fifth = process.memory_info().rss
    gc.collect()
    assert set(verdicts) >= {b"AA", b"AE", b"AR"}
    assert process.memory_info().rss < size_after_a_fifth + (40 << 20)
