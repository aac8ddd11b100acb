"""What speaks against new medicines beside those somebody takes and what he is allergic to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from backend.ids import named_id
from backend.medication.rules import Rules
from backend.medication.understanding import Medicine

# So shortly before the end, the next supply is no duplicate.
EARLY_REFILL_DAYS = 7


class Kind(StrEnum):
    """What an alert is about."""

    DUPLICATE = "duplicate"
    SAME_CLASS = "same_class"
    INTERACTION = "interaction"
    ALLERGY = "allergy"
    EXAMINATION = "examination"


class Severity(StrEnum):
    """How much it matters. Without a reason, the first two are not passed over."""

    BLOCK = "block"
    SERIOUS = "serious"
    CAUTION = "caution"


ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class InUse:
    """A medicine somebody has already: days left, or None where nobody said how much he was given."""

    medicine: Medicine
    days_left: int | None
    organization_id: str = ""
    resource_id: str = ""


@dataclass(frozen=True, slots=True)
class Allergy:
    """What somebody is allergic to, as the hospital wrote it."""

    text: str
    organization_id: str = ""
    resource_id: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to think of. The id is the same for the same thing within a check."""

    id: str
    kind: Kind
    severity: Severity
    medicine: str
    other: str
    text: str
    rule: str = ""
    source: str = ""
    organization_id: str = ""
    resource_id: str = ""
    days_left: int | None = None

    @property
    def needs_reason(self) -> bool:
        """Whether prescribing in spite of it needs a reason."""
        return self.severity is not Severity.CAUTION


def judge(
    rules: Rules, new: Sequence[Medicine], in_use: Sequence[InUse], allergies: Sequence[Allergy]
) -> list[Alert]:
    """Every alert, the gravest first; the order of what comes in decides nothing."""
    found = [
        *(alert for each in new for used in in_use for alert in _beside(rules, each, used)),
        *(alert for first, second in combinations(new, 2) for alert in _together(rules, first, second)),
        *(alert for each in new for allergy in allergies for alert in _allergic(rules, each, allergy)),
    ]
    unique: dict[str, Alert] = {}
    for alert in sorted(found, key=lambda each: (ORDER.index(each.severity), each.kind, each.id, each.text)):
        unique.setdefault(alert.id, alert)
    return list(unique.values())


def _beside(rules: Rules, new: Medicine, used: InUse) -> Iterator[Alert]:
    """A new medicine beside one in use; what is used up speaks against nothing."""
    if used.days_left is not None and used.days_left <= 0:
        return
    yield from _duplicates(rules, new, used)
    yield from _interactions(rules, new, used.medicine, used)


def _together(rules: Rules, first: Medicine, second: Medicine) -> Iterator[Alert]:
    """Two medicines of one prescription, whichever was written first."""
    first, second = sorted((first, second), key=lambda each: each.name)
    beside = InUse(second, None)
    shared = _shared(first, beside)
    if shared:
        text = f"同一处方中{first.name}与{second.name}都含{_names(rules, shared)}，属于重复用药。"
        yield _alert(Kind.DUPLICATE, Severity.BLOCK, first, beside, text, rule="same-ingredient")
    else:
        yield from _same_class(rules, first, beside, "同一处方中已有")
    yield from _interactions(rules, first, second, beside)


def _duplicates(rules: Rules, new: Medicine, used: InUse) -> Iterator[Alert]:
    shared = _shared(new, used)
    left = used.days_left
    if not shared:
        yield from _same_class(rules, new, used, "正在使用")
        return
    if left is not None and left <= EARLY_REFILL_DAYS:
        return
    what = f"{new.name}与正在使用的{used.medicine.name}都含{_names(rules, shared)}"
    if left is None:
        text = f"{what}，系统里没有余量，请核实是否还在服用。"
        yield _alert(Kind.DUPLICATE, Severity.SERIOUS, new, used, text, rule="same-ingredient")
    else:
        text = f"{what}，按已开药量还可用{left}天，属于重复用药；余量不超过{EARLY_REFILL_DAYS}天方可续开。"
        yield _alert(Kind.DUPLICATE, Severity.BLOCK, new, used, text, rule="same-ingredient")


def _shared(new: Medicine, used: InUse) -> frozenset[str]:
    if new.topical != used.medicine.topical:
        return frozenset()
    return new.ingredients & used.medicine.ingredients


def _same_class(rules: Rules, new: Medicine, used: InUse, where: str) -> Iterator[Alert]:
    if new.topical or used.medicine.topical or new.ingredients & used.medicine.ingredients:
        return
    shared = {
        each for each in new.classes & used.medicine.classes if frozenset({each}) not in rules.exceptions
    }
    if shared:
        what = f"{where}{used.medicine.name}，与{new.name}属于同一药理类别（{'、'.join(sorted(shared))}）"
        text = f"{what}，请确认是否需要两种。"
        yield _alert(Kind.SAME_CLASS, Severity.SERIOUS, new, used, text, rule="same-class")


def _interactions(rules: Rules, new: Medicine, other: Medicine, used: InUse) -> Iterator[Alert]:
    if new.topical or other.topical:
        return
    for rule in rules.interactions:
        one = is_meant(rule.first, new) and is_meant(rule.second, other)
        if one or (is_meant(rule.second, new) and is_meant(rule.first, other)):
            if new.ingredients and new.ingredients == other.ingredients:
                continue
            severity = Severity(rule.severity)
            yield _alert(Kind.INTERACTION, severity, new, used, rule.text, rule=rule.code, source=rule.source)


def _allergic(rules: Rules, new: Medicine, allergy: Allergy) -> Iterator[Alert]:
    said = allergy.text.lower()
    used = InUse(Medicine(allergy.text), None, allergy.organization_id, allergy.resource_id)
    for code in sorted(new.ingredients):
        ingredient = rules.ingredients.get(code)
        if ingredient is not None and (ingredient.name in said or code in said):
            text = f"有{allergy.text}过敏史，{new.name}含{ingredient.name}。"
            yield _alert(Kind.ALLERGY, Severity.BLOCK, new, used, text, rule="same-ingredient")
    for rule in rules.allergies:
        said_so = any(word.lower() in said for word in rule.words)
        if said_so and any(atc.startswith(rule.classes) for atc in new.atc):
            severity = Severity(rule.severity)
            yield _alert(Kind.ALLERGY, severity, new, used, rule.text, rule=rule.code, source=rule.source)


def is_meant(side: str, medicine: Medicine) -> bool:
    """Whether one side of a rule means a medicine: by its ingredient, or by the class it is in."""
    return side in medicine.ingredients or (
        side[:1].isupper() and any(a.startswith(side) for a in medicine.atc)
    )


def _names(rules: Rules, codes: frozenset[str]) -> str:
    return "、".join(sorted(rules.ingredients[code].name for code in codes if code in rules.ingredients))


def _alert(
    kind: Kind, severity: Severity, new: Medicine, used: InUse, text: str, *, rule: str, source: str = ""
) -> Alert:
    other = used.medicine.name
    return Alert(
        id=named_id(kind, rule, new.name, other, used.resource_id),
        kind=kind,
        severity=severity,
        medicine=new.name,
        other=other,
        text=text,
        rule=rule,
        source=source,
        organization_id=used.organization_id,
        resource_id=used.resource_id,
        days_left=used.days_left,
    )
