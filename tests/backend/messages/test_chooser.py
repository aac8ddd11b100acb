"""Which provider comes first: shares kept, ailing providers avoided, and taken back when they are well."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.messages.chooser import AILING, LEAST_HEALTH, WINDOW, Tally, bad_share, health, order

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
minutes = st.integers(-60, 60).map(lambda n: NOW - timedelta(minutes=n))
counts = st.integers(0, 500)
tallies = st.lists(st.builds(Tally, minutes, counts, counts, counts), max_size=30)
weights = st.dictionaries(st.sampled_from("abcde"), st.floats(0, 100), max_size=5)


def ago(minutes: int, **counts: int) -> Tally:
    return Tally(NOW - timedelta(minutes=minutes), **counts)


@given(tallies)
def test_a_share_is_a_share_and_health_never_falls_to_nothing(found: list[Tally]):
    share = bad_share(found, NOW)
    assert share is None or 0 <= share <= 1
    assert LEAST_HEALTH <= health(share) <= 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_worse_a_provider_does_the_less_it_is_given(one: float, other: float):
    worse, better = max(one, other), min(one, other)
    assert health(worse) <= health(better)


@given(tallies)
def test_whatever_happened_a_provider_is_well_again_when_the_window_has_passed(found: list[Tally]):
    later = NOW + timedelta(minutes=61) + WINDOW
    assert health(bad_share(found, later)) == 1


@given(weights, st.randoms())
def test_everybody_is_in_the_order_once_and_who_is_to_get_nothing_comes_last(
    given_weights: dict[str, float], dice: random.Random
):
    found = order(given_weights, dice.random)
    assert sorted(found) == sorted(given_weights)
    nothing = [given_weights[name] <= 0 for name in found]
    assert nothing == sorted(nothing)


def test_the_first_places_follow_the_shares():
    dice = random.Random(20261122)
    firsts = Counter(order({"mas": 7, "aliyun": 3}, dice.random)[0] for _ in range(4000))
    assert 0.67 < firsts["mas"] / 4000 < 0.73


def test_receipts_that_are_late_or_bad_count_and_young_messages_are_not_called_late():
    assert bad_share([ago(8, sent=100, prompt=84)], NOW) == 0.16
    assert bad_share([ago(8, sent=100, prompt=90, failed=10)], NOW) == 0.1
    # Four minutes old: nobody knows yet, but for those that have failed.
    assert bad_share([ago(4, sent=100, prompt=30, failed=10)], NOW) == 0.25
    assert bad_share([ago(4, sent=100)], NOW) is None
    assert bad_share([ago(20, sent=100)], NOW) is None


def test_at_fifteen_percent_the_share_falls_to_half_and_not_before():
    assert health(AILING - 0.001) == 1
    assert health(AILING) == 0.5
    assert health(1.0) == LEAST_HEALTH
    assert health(None) == 1
