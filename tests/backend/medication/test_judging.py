"""What speaks against a medicine: cases with the start rules, and what must hold for any."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.medication.book import BOOK, START_TABLES, start_rules
from backend.medication.judging import Alert, Allergy, InUse, Kind, Severity, judge
from backend.medication.rules import Rules, rules_of
from backend.medication.taken import days_of
from backend.medication.understanding import ATC_SYSTEM, Medicine, understand
from backend.rulebooks.editions import Edition, EditionInfo
from backend.rulebooks.reading import check_references, parse


def start() -> Rules:
    parsed = parse(BOOK, None, start_rules(), lambda name: None)
    assert not parsed.problems
    assert not check_references(BOOK, parsed.tables)
    assert set(parsed.tables) == set(START_TABLES)
    info = EditionInfo(BOOK.name, 1, date(2026, 1, 1), "", "", datetime(2026, 1, 1, tzinfo=UTC), {}, {})
    return rules_of(Edition(info, parsed.tables))


RULES = start()


def named(name: str, *codings: tuple[str, str]) -> Medicine:
    return understand(RULES, "h1", name, codings)


def alerts(new: str | list[str], taken: str = "", left: int | None = 20, allergy: str = "") -> list[Alert]:
    prescribed = [named(each) for each in ([new] if isinstance(new, str) else new)]
    in_use = [InUse(named(taken), left, "other", "r1")] if taken else []
    return judge(RULES, prescribed, in_use, [Allergy(allergy)] if allergy else [])


@pytest.mark.parametrize(
    ("name", "ingredients"),
    [
        ("盐酸二甲双胍缓释片", {"metformin"}),
        ("艾司奥美拉唑镁肠溶片", {"esomeprazole"}),
        ("左氨氯地平片", {"amlodipine"}),
        ("氯沙坦钾氢氯噻嗪片", {"losartan", "hydrochlorothiazide"}),
        ("复方氨酚烷胺胶囊", {"paracetamol", "amantadine", "caffeine", "chlorphenamine"}),
        ("阿莫西林克拉维酸钾分散片", {"amoxicillin", "clavulanate"}),
        ("维C银翘片", {"paracetamol", "chlorphenamine"}),
        ("板蓝根颗粒", set()),
        ("复方甘草片", set()),
    ],
)
def test_a_name_says_what_is_in_it_or_nothing(name: str, ingredients: set[str]):
    assert named(name).ingredients == ingredients


def test_a_code_says_more_than_a_name():
    assert named("某药", (ATC_SYSTEM, "M01AE01")).ingredients == {"ibuprofen"}
    unlisted = named("某药", (ATC_SYSTEM, "C10AA99"))
    assert not unlisted.ingredients
    assert (set(unlisted.classes), unlisted.understood) == ({"C10AA"}, True)


CASES: dict[str, tuple[dict[str, Any], list[tuple[Kind, Severity]]]] = {
    "the same again with enough left": (
        {"new": "阿托伐他汀钙片", "taken": "立普妥"}, [(Kind.DUPLICATE, Severity.BLOCK)],
    ),
    "a week before the end": ({"new": "阿托伐他汀钙片", "taken": "立普妥", "left": 7}, []),
    "eight days before the end": (
        {"new": "阿托伐他汀钙片", "taken": "立普妥", "left": 8}, [(Kind.DUPLICATE, Severity.BLOCK)],
    ),
    "used up": ({"new": "阿托伐他汀钙片", "taken": "立普妥", "left": 0}, []),
    "nobody knows how much is left": (
        {"new": "阿托伐他汀钙片", "taken": "立普妥", "left": None}, [(Kind.DUPLICATE, Severity.SERIOUS)],
    ),
    "a compound that contains it": (
        {"new": "复方氨酚烷胺片", "taken": "对乙酰氨基酚片"}, [(Kind.DUPLICATE, Severity.BLOCK)],
    ),
    "two statins": (
        {"new": "瑞舒伐他汀钙片", "taken": "辛伐他汀片"}, [(Kind.SAME_CLASS, Severity.SERIOUS)],
    ),
    "two acid blockers": (
        {"new": "泮托拉唑肠溶片", "taken": "奥美拉唑肠溶胶囊"}, [(Kind.SAME_CLASS, Severity.SERIOUS)],
    ),
    "two of a kind in one prescription": (
        {"new": ["布洛芬缓释胶囊", "萘普生片"]}, [(Kind.SAME_CLASS, Severity.SERIOUS)],
    ),
    "one on the skin, one swallowed": ({"new": "双氯芬酸二乙胺乳胶剂", "taken": "双氯芬酸钠缓释片"}, []),
    "sugar lowered in two ways": ({"new": "格列美脲片", "taken": "盐酸二甲双胍片"}, []),
    "two for the platelets": ({"new": "氯吡格雷片", "taken": "阿司匹林肠溶片"}, []),
    "warfarin and a painkiller": (
        {"new": "布洛芬缓释胶囊", "taken": "华法林钠片"}, [(Kind.INTERACTION, Severity.SERIOUS)],
    ),
    "the other way round": (
        {"new": "华法林钠片", "taken": "布洛芬缓释胶囊"}, [(Kind.INTERACTION, Severity.SERIOUS)],
    ),
    "nitrate and sildenafil": (
        {"new": "枸橼酸西地那非片", "taken": "单硝酸异山梨酯片"}, [(Kind.INTERACTION, Severity.BLOCK)],
    ),
    "metronidazole and alcohol in a medicine": (
        {"new": ["甲硝唑片", "藿香正气水"]}, [(Kind.INTERACTION, Severity.BLOCK)],
    ),
    "potassium and an ACE inhibitor": (
        {"new": "氯化钾缓释片", "taken": "培哚普利片"}, [(Kind.INTERACTION, Severity.SERIOUS)],
    ),
    "penicillin to the allergic": (
        {"new": "阿莫西林胶囊", "allergy": "青霉素过敏"}, [(Kind.ALLERGY, Severity.BLOCK)],
    ),
    "a cephalosporin to them": (
        {"new": "头孢呋辛酯片", "allergy": "青霉素过敏"}, [(Kind.ALLERGY, Severity.CAUTION)],
    ),
    "another kind to them": ({"new": "阿奇霉素片", "allergy": "青霉素过敏"}, []),
    "nothing that the rules know": ({"new": "板蓝根颗粒", "taken": "华法林钠片", "allergy": "花粉"}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_told(name: str):
    given_, expected = CASES[name]
    assert [(each.kind, each.severity) for each in alerts(**given_)] == expected


def test_an_alert_says_what_with_what_and_how_long():
    (alert,) = alerts("阿托伐他汀钙片", "立普妥", 20)
    assert alert.text == (
        "阿托伐他汀钙片与正在使用的立普妥都含阿托伐他汀，按已开药量还可用20天，属于重复用药；"
        "余量不超过7天方可续开。"
    )
    assert (alert.needs_reason, alert.organization_id, alert.resource_id) == (True, "other", "r1")


def test_every_start_rule_has_a_source_and_none_is_about_nothing():
    known = {
        *RULES.ingredients,
        *(atc[:n] for each in RULES.ingredients.values() for atc in each.atc for n in range(3, 8)),
    }
    for rule in RULES.interactions:
        assert rule.source
        assert {rule.first, rule.second} <= known, rule.code
    assert all(rule.source and rule.words and rule.classes for rule in RULES.allergies)


@pytest.mark.parametrize(
    ("body", "days"),
    [
        ({"dispenseRequest": {"expectedSupplyDuration": {"value": 2, "unit": "周"}}}, 14),
        ({"daysSupply": {"value": 28, "code": "d"}}, 28),
        (
            {
                "dispenseRequest": {"quantity": {"value": 60, "unit": "片"}},
                "dosageInstruction": [
                    {
                        "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "片"}}],
                    }
                ],
            },
            30,
        ),
        ({"dosageInstruction": [{"timing": {"repeat": {"boundsDuration": {"value": 7, "unit": "d"}}}}]}, 7),
        ({"dispenseRequest": {"quantity": {"value": 2, "unit": "盒"}}}, None),
        ({"dispenseRequest": {"quantity": {"value": -3, "unit": "片"}}}, None),
        ({"dispenseRequest": "x", "dosageInstruction": [{"timing": []}, 3]}, None),
        ({}, None),
    ],
)
def test_how_long_a_supply_lasts(body: dict[str, Any], days: int | None):
    assert days_of(body) == days


names = "布洛芬缓释胶囊 华法林钠片 立普妥 辛伐他汀片 阿莫西林胶囊 复方氨酚烷胺片 板蓝根颗粒 氯化钾缓释片"
medicines = st.sampled_from(names.split()).map(named)
in_uses = st.builds(InUse, medicines, st.one_of(st.none(), st.integers(-5, 60)), st.just("h2"), st.just("r"))
noted = st.sampled_from(["青霉素过敏", "阿司匹林", "海鲜"]).map(Allergy)


@given(
    st.lists(medicines, min_size=1, max_size=5),
    st.lists(in_uses, max_size=5),
    st.lists(noted, max_size=3),
    st.randoms(use_true_random=False),
)
def test_the_order_of_medicines_decides_nothing(
    new: list[Medicine], used: list[InUse], told: list[Allergy], random
):
    shuffled = [random.sample(each, len(each)) for each in (new, used, told)]
    found = {(each.kind, each.severity, each.text) for each in judge(RULES, new, used, told)}
    again = {(each.kind, each.severity, each.text) for each in judge(RULES, *shuffled)}
    assert found == again


@given(st.lists(medicines, min_size=1, max_size=3), st.lists(in_uses, max_size=5))
def test_what_is_used_up_speaks_against_nothing(new: list[Medicine], used: list[InUse]):
    left = [each for each in used if each.days_left is None or each.days_left > 0]
    assert judge(RULES, new, used, []) == judge(RULES, new, left, [])
