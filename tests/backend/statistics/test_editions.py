"""Two editions of a month beside each other tell nobody who came between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.statistics.counted import FEWEST, is_small, suppressed
from backend.statistics.editions import Counted, revised
from backend.statistics.open_schemas import Cell, FigureOut, InstitutionOut, MonthOut
from backend.statistics.open_tables import HIDDEN

BOTH = ("visits", "money")
counts = st.lists(st.integers(0, 40), min_size=3, max_size=3)


def cell(count: int, *, hidden: bool) -> Cell:
    return HIDDEN if hidden else count


def a_month(visits: list[int], edition: int = 1, figures: tuple[str, ...] = BOTH) -> Counted:
    """Places with so many visits each, and money that rests on them."""
    hidden, whole = suppressed(visits), sum(visits)
    told = {code: cell(whole, hidden=is_small(whole)) for code in figures}
    month = MonthOut(
        month="2026-10",
        edition=edition,
        published_at=clock.now(),
        licence="CC-BY-4.0",
        hidden=HIDDEN,
        figures=[FigureOut(code=code, name=code, unit="人次") for code in figures],
        total=told,
        institutions=[
            InstitutionOut(
                institution_id=f"ORG-{number}",
                institution=f"医院{number}",
                district="东区",
                values={code: cell(count, hidden=hidden[number]) for code in figures},
            )
            for number, count in enumerate(visits)
        ],
        parts=[],
        changes=[],
    )
    rests = {"": whole, **{f"ORG-{number}": count for number, count in enumerate(visits)}}
    return Counted(month, dict.fromkeys(figures, rests))


def cells(counted: Counted) -> dict[tuple[str, str], Cell]:
    found = {("", code): value for code, value in counted.month.total.items()}
    for place in counted.month.institutions:
        found |= {(place.institution_id, code): value for code, value in place.values.items()}
    return found


@given(counts, counts)
def test_no_difference_of_two_editions_is_smaller_than_what_is_shown(
    before: list[int], now: list[int]
) -> None:
    known, found = a_month(before), a_month(now, 2)
    after = revised(known, found)
    changed = [abs(one - other) for one, other in zip([*before, sum(before)], [*now, sum(now)], strict=True)]
    if any(0 < change < FEWEST for change in changed):
        assert after is None
        return
    if after is None:
        assert cells(known) == cells(found)
        return
    assert cells(after) == cells(found)
    assert after.rests == found.rests
    assert [each.figure for each in after.month.changes] == list(BOTH)


def test_a_figure_that_was_not_told_before_is_and_what_it_cannot_be_yet_stays() -> None:
    known = a_month([10, 20, 30], figures=("visits",))
    after = revised(known, a_month([11, 20, 30], 2))
    assert after is not None
    assert after.month.total == {"visits": 60, "money": 61}
    assert [each.figure for each in after.month.changes] == ["money"]
    # What was published of the visits is what the next edition is compared with, so it adds up at last.
    assert after.rests["visits"] == known.rests["visits"]
    third = revised(after, a_month([15, 20, 30], 3))
    assert third is not None
    assert third.month.total == {"visits": 65, "money": 61}


def test_an_institution_that_is_counted_for_the_first_time_comes_into_the_month() -> None:
    known, found = a_month([10, 20, 30]), a_month([10, 20, 30, 8], 2)
    after = revised(known, found)
    assert after is not None
    assert [each.institution_id for each in after.month.institutions] == ["ORG-0", "ORG-1", "ORG-2", "ORG-3"]
    assert (after.month.total["visits"], after.month.changes[0].values) == (68, 2)
    back = revised(after, a_month([10, 20, 30], 3))
    assert back is not None
    # It was published: its row stays, and says that nothing is known any more.
    assert back.month.institutions[-1].values == {"visits": None, "money": None}
