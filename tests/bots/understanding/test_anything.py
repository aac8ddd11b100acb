"""Whatever is typed: no crash, no hang, and never an id that the city does not have."""

from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.understanding.reading import Reader
from bots.understanding.values import Slot, Understanding
from tests.bots.understanding.city import NOW, city
from tests.bots.understanding.sentences import sentences

LONG = 2_000
SLOWEST_S = 0.05

READER = Reader(city())
KNOWN = {
    Slot.ORGANIZATION: {entry.id for entry in city().organizations},
    Slot.DEPARTMENT: {entry.id for entry in city().departments},
    Slot.PRACTITIONER: {entry.id for entry in city().practitioners},
}

# Pieces that rules look for, so that they meet in orders nobody would write.
FRAGMENTS = (
    "周一二三四五六日天上下午早晚号月年点半刻第个取消退订改期预约挂号人工到至.-/: "
    "0123456789TRNDtd王李张伟医生主任科院嗯哦好的不要"
)
PIECES = [*(expected.sentence for expected in sentences(held_out=False)), *FRAGMENTS]
instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
anything = st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
few = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join) | st.text(min_size=1, max_size=9)


def ids_of(read: Understanding) -> list[tuple[Slot, str]]:
    slots = read.slots
    named = (
        (Slot.ORGANIZATION, slots.organizations),
        (Slot.DEPARTMENT, (*slots.departments, *slots.suggestions)),
        (Slot.PRACTITIONER, slots.practitioners),
    )
    return [(slot, id) for slot, mentions in named for mention in mentions for id in mention.ids]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sentence=anything, now=instants)
def test_any_sentence_is_read_and_every_id_exists(sentence: str, now: datetime):
    read = READER.read(sentence, now)
    assert all(id in KNOWN[slot] for slot, id in ids_of(read))
    for mention in (*read.slots.organizations, *read.slots.departments, *read.slots.practitioners):
        assert mention.ids
        assert 0 < mention.confidence <= 1
    if read.slots.days is not None:
        assert read.slots.days.first <= read.slots.days.last


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(piece=few)
def test_two_thousand_characters_take_less_than_fifty_milliseconds(piece: str):
    sentence = (piece * LONG)[:LONG]
    # The machine may be busy with something else: only this process's own time counts, at its best of three.
    assert min(seconds_for(sentence) for _ in range(3)) < SLOWEST_S


def seconds_for(sentence: str) -> float:
    started = process_time()
    READER.read(sentence, NOW)
    return process_time() - started


@pytest.mark.parametrize("char", list("嗯哦好是不了一二十周下上第1 .-/:tnaz王科月日号点"))
def test_one_character_over_and_over_takes_no_longer(char: str):
    for length in (23, 24, 25, 300, LONG):
        for tail in ("", "龘"):
            assert min(seconds_for(char * length + tail) for _ in range(2)) < SLOWEST_S


def test_the_same_sentence_is_always_read_the_same():
    again = Reader(city())
    for expected in sentences(held_out=False):
        assert READER.read(expected.sentence, NOW) == again.read(expected.sentence, NOW)
