"""Whether a result is to be recognised: a table of cases, and what must hold whatever the lists say."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.recognition.lists import LOINC, Institution, Item, Lists, Mark
from backend.recognition.rules import Judgement, Result, Verdict, Why, judge

TODAY = date(2026, 11, 22)
ASKING, SOURCE = "asking", "source"
POTASSIUM = Item("SH01", "钾", "临床生化", "lab", 7, ("2823-3",))
CHEST = Item("YX01", "胸部CT平扫", "医学影像", "image", 30, ("24627-2",))
MARK = Mark("national", "", TODAY + timedelta(days=100))
LISTS = Lists(
    edition=3,
    items={item.code: item for item in (POTASSIUM, CHEST)},
    codes={(SOURCE, "K+"): "SH01", (ASKING, "1001"): "SH01"},
    institutions={ASKING: Institution(3), SOURCE: Institution(3)},
    marks={(SOURCE, "SH01"): (MARK,), (SOURCE, "YX01"): (MARK,)},
    levels={"alliance": "recommend", "higher": "recommend", "same": "recommend", "lower": "optional"},
    areas={"370700": "本市", "370000": "本省"},
    by_loinc={"2823-3": "SH01", "24627-2": "YX01"},
    local_of={"SH01": ((SOURCE, "K+"), (ASKING, "1001"))},
)
GOOD = Result(POTASSIUM, SOURCE, TODAY - timedelta(days=3), final=True, has_values=True, has_images=False)


def decide(lists: Lists = LISTS, asking: str = ASKING, **changes: Any) -> Judgement:
    return judge(lists, asking, replace(GOOD, **changes), TODAY)


def with_marks(*marks: Mark) -> Lists:
    return replace(LISTS, marks={(SOURCE, "SH01"): marks})


def with_levels(here: Institution, there: Institution) -> Lists:
    return replace(LISTS, institutions={ASKING: here, SOURCE: there})


def without(place: str) -> Lists:
    left = {name: value for name, value in LISTS.institutions.items() if name != place}
    return replace(LISTS, institutions=left)


YES, MAYBE, NO = Verdict.RECOMMENDED, Verdict.OPTIONAL, Verdict.NOT_RECOMMENDED
AGO = {days: TODAY - timedelta(days=days) for days in (0, 7, 8, 30, 31)}
CASES: dict[str, tuple[Lists, dict[str, Any], Verdict, tuple[Why, ...]]] = {
    "all is well": (LISTS, {}, YES, ()),
    "made today": (LISTS, {"on": AGO[0]}, YES, ()),
    "on the last day that counts": (LISTS, {"on": AGO[7]}, YES, ()),
    "a day too old": (LISTS, {"on": AGO[8]}, NO, (Why.TOO_OLD,)),
    "dated tomorrow": (LISTS, {"on": TODAY + timedelta(days=1)}, NO, (Why.IN_THE_FUTURE,)),
    "preliminary": (LISTS, {"final": False}, NO, (Why.NOT_FINAL,)),
    "a report without a value": (LISTS, {"has_values": False}, NO, (Why.NO_VALUES,)),
    "pictures that can be seen": (
        LISTS, {"item": CHEST, "on": AGO[30], "has_images": True, "has_values": False}, YES, (),
    ),
    "pictures that cannot": (LISTS, {"item": CHEST}, NO, (Why.NO_IMAGES,)),
    "pictures too old": (LISTS, {"item": CHEST, "on": AGO[31], "has_images": True}, NO, (Why.TOO_OLD,)),
    "the hospital is not on the list": (without(SOURCE), {}, NO, (Why.SOURCE_NOT_LISTED,)),
    "nor is the one that asks": (without(ASKING), {}, NO, (Why.ASKING_NOT_LISTED,)),
    "no mark for the item": (replace(LISTS, marks={}), {}, NO, (Why.NO_MARK,)),
    "a mark of this city": (with_marks(replace(MARK, scope="city", area="370700")), {}, YES, ()),
    "a mark of another city": (
        with_marks(replace(MARK, scope="city", area="370900")), {}, NO, (Why.MARK_ELSEWHERE,),
    ),
    "a mark of this province": (with_marks(replace(MARK, scope="province", area="370000")), {}, YES, ()),
    "a mark that lapses on the day of the report": (
        with_marks(replace(MARK, valid_until=GOOD.on)), {}, YES, (),
    ),
    "a mark that had lapsed the day before": (
        with_marks(replace(MARK, valid_until=GOOD.on - timedelta(days=1))), {}, NO, (Why.MARK_LAPSED,),
    ),
    "a lapsed national mark beside a good one of the city": (
        with_marks(replace(MARK, valid_until=date(2020, 1, 1)), replace(MARK, scope="city", area="370700")),
        {}, YES, (),
    ),
    "from a higher hospital": (with_levels(Institution(2), Institution(3)), {}, YES, ()),
    "from a lower hospital": (with_levels(Institution(3), Institution(2)), {}, MAYBE, ()),
    "from a lower hospital of the same alliance": (
        with_levels(Institution(3, "东部医联体"), Institution(1, "东部医联体")), {}, YES, (),
    ),
    "from a lower hospital of another alliance": (
        with_levels(Institution(3, "东部医联体"), Institution(1, "西部医联体")), {}, MAYBE, (),
    ),
    "a relation the list says no to": (
        replace(with_levels(Institution(3), Institution(2)), levels={"lower": "no"}), {}, NO, (Why.LEVEL,),
    ),
    "a relation the list says nothing about": (replace(LISTS, levels={}), {}, NO, (Why.LEVEL,)),
    "one's own": (LISTS, {"organization_id": ASKING}, Verdict.OWN, ()),
    "everything at once": (
        replace(LISTS, marks={}), {"on": AGO[8], "final": False, "has_values": False}, NO,
        (Why.NO_MARK, Why.TOO_OLD, Why.NOT_FINAL, Why.NO_VALUES),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_decision(name: str):
    lists, changes, verdict, why = CASES[name]
    found = decide(lists, **changes)
    assert (found.verdict, found.why) == (verdict, why)


def test_the_widest_mark_is_the_one_that_is_shown():
    found = decide(with_marks(replace(MARK, scope="city", area="370700"), MARK))
    assert found.mark == MARK


def test_a_hospitals_own_code_is_its_own():
    assert LISTS.item_for(ASKING, "1001") == POTASSIUM
    assert LISTS.item_for(SOURCE, "1001") is None
    assert LISTS.item_for(ASKING, "2823-3") == POTASSIUM
    assert LISTS.is_result_of(POTASSIUM, SOURCE, {("urn:local", "K+")})
    assert not LISTS.is_result_of(POTASSIUM, ASKING, {("urn:local", "K+")})
    assert LISTS.is_result_of(POTASSIUM, ASKING, {(LOINC, "2823-3")})
    assert not LISTS.is_result_of(CHEST, SOURCE, {(LOINC, "2823-3")})


areas = st.sampled_from(["", "370700", "370000", "370900"])
days = st.integers(-3, 60).map(lambda n: TODAY - timedelta(days=n))
marks = st.builds(Mark, st.sampled_from(["national", "province", "city"]), areas, days)
institutions = st.builds(Institution, st.integers(0, 3), st.sampled_from(["", "东部", "西部"]))
treatments = st.sampled_from(["recommend", "optional", "no"])
relations = st.sampled_from(["alliance", "higher", "same", "lower"])
any_lists = st.builds(
    Lists,
    edition=st.just(1),
    items=st.just(LISTS.items),
    institutions=st.dictionaries(st.sampled_from([ASKING, SOURCE]), institutions),
    marks=st.dictionaries(
        st.tuples(st.just(SOURCE), st.sampled_from(["SH01", "YX01"])), st.lists(marks).map(tuple)
    ),
    levels=st.dictionaries(relations, treatments),
    areas=st.dictionaries(st.sampled_from(["370700", "370000"]), st.just("区")),
)
results = st.builds(
    Result,
    st.sampled_from([POTASSIUM, CHEST]),
    st.just(SOURCE),
    days,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(any_lists, results)
def test_what_is_recommended_fulfils_every_condition_by_itself(lists: Lists, result: Result):
    found = judge(lists, ASKING, result, TODAY)
    if found.verdict in (Verdict.RECOMMENDED, Verdict.OPTIONAL):
        assert {ASKING, SOURCE} <= set(lists.institutions)
        assert 0 <= (TODAY - result.on).days <= result.item.valid_days
        assert result.final
        assert result.has_values if result.item.form == "lab" else result.has_images
        assert found.mark is not None
        assert found.mark in lists.marks[SOURCE, result.item.code]
        assert found.mark.scope == "national" or found.mark.area in lists.areas
        assert found.mark.valid_until >= result.on
        assert found.why == ()
    else:
        assert found.why


@given(any_lists, results, st.randoms(use_true_random=False))
def test_the_order_of_marks_decides_nothing(lists: Lists, result: Result, random):
    shuffled = {place: tuple(random.sample(found, len(found))) for place, found in lists.marks.items()}
    other = judge(replace(lists, marks=shuffled), ASKING, result, TODAY)
    found = judge(lists, ASKING, result, TODAY)
    assert (found.verdict, found.why) == (other.verdict, other.why)


@given(any_lists, results)
def test_more_marks_never_speak_against(lists: Lists, result: Result):
    place = (SOURCE, result.item.code)
    more = replace(lists, marks={**lists.marks, place: (*lists.marks.get(place, ()), MARK)})
    if judge(lists, ASKING, result, TODAY).verdict is Verdict.RECOMMENDED:
        assert judge(more, ASKING, result, TODAY).verdict is Verdict.RECOMMENDED
