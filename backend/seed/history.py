"""Months of the clinical services as figures alone: of whoever they speak, nobody is made up for them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from backend import clock
from backend.bootstrap import City
from backend.db.figures import FigureStore
from backend.directory.models import Organization
from backend.medication import figures as medication
from backend.medication.judging import Alert, judge
from backend.medication.models import Action, Answered, MedicationCheck
from backend.medication.rules import Rules
from backend.medication.understanding import understand
from backend.recognition import figures as recognition
from backend.recognition.lists import Lists
from backend.recognition.models import AskedItem, Check, Decision, Offer
from backend.recognition.rules import Verdict
from backend.statistics.counted import Adds, merge

DAYS = 170
_A_DAY = 6
_DOCTORS = ("D01-P01", "D01-P02", "D02-P01", "D04-P03")
_ITEMS = ("SH10", "SH24", "SH17", "XY03", "XY01", "YX01", "MY04")
_PRESCRIPTIONS = (
    ("华法林钠片", "布洛芬缓释胶囊"), ("阿司匹林肠溶片", "华法林钠片"), ("辛伐他汀片", "克拉霉素片"),
    ("地高辛片", "盐酸维拉帕米片"), ("布洛芬片", "布洛芬缓释胶囊"), ("阿司匹林肠溶片", "双氯芬酸钠缓释片"),
    ("硝苯地平控释片", "阿托伐他汀钙片"), ("二甲双胍片", "氯沙坦钾片"), ("阿莫西林胶囊",),
    ("奥美拉唑肠溶胶囊",),
)  # fmt: skip


async def seed_history(city: City, organizations: Sequence[Organization]) -> int:
    """Count what nobody has documents of; how many days are new: none, where it was done before."""
    checks = FigureStore(city.db, "recognition_checks", "recognition_figures", recognition.ATTRIBUTES)
    alerts = FigureStore(city.db, "medication_checks", "medication_figures", medication.ATTRIBUTES)
    today = clock.today()
    month = f"{today - timedelta(days=DAYS):%Y-%m}"
    if await checks.read("organization", (month, month), None):
        return 0
    lists = await city.services.recognition.service.lists_in_force()
    rules = await city.services.medication.service.rules_in_force()
    places = [place.id for place in organizations if place.id in lists.institutions]
    await checks.bring_in(_recognised(lists, _moments(places, today, "recognition")))
    await alerts.bring_in(_prescribed(rules, _moments(places, today, "medication")))
    return DAYS


# Where and when somebody asked, and the dice for what came of it.
_Moment = tuple[str, datetime, random.Random]


def _moments(places: Sequence[str], today: date, what: str) -> Iterator[_Moment]:
    dice = random.Random(f"{what} of 健康城")
    for size, place in enumerate(places, start=1):
        for back in range(1, DAYS + 1):
            on = today - timedelta(days=back)
            # Fewer at the weekend, and more each month.
            usual = _A_DAY / size * (0.4 if on.weekday() >= 5 else 1.0) * (1 - back / 300)
            for _ in range(int(usual + dice.random())):
                yield place, clock.city_instant(on, 10), dice


def _recognised(lists: Lists, moments: Iterator[_Moment]) -> Adds:
    found: Adds = {}
    refusals = [code for code, reason in lists.reasons.items() if reason.counted]
    for place, at, dice in moments:
        item, doctor = dice.choice(_ITEMS), dice.choice(_DOCTORS)
        verdict = Verdict.RECOMMENDED if dice.random() < 0.8 else Verdict.NOT_RECOMMENDED
        offer = Offer("", "Observation", "", "", verdict, clock.civil_date(at), 3)
        asked = AskedItem(item, item, lists.prices.get((place, item), 0), (offer,))
        decisions = _decided(asked, doctor, at, refusals, dice)
        check = Check("", place, "", 0, at, doctor, asked=(asked,), decisions=decisions)
        merge(found, recognition.of_check(check))
    return found


def _decided(
    asked: AskedItem, doctor: str, at: datetime, refusals: Sequence[str], dice: random.Random
) -> dict[str, Decision]:
    said = dice.random()
    if not asked.recommended or said > 0.95:
        return {}
    if said < 0.8:
        return {asked.item: Decision(asked.item, True, doctor, at, saved_fen=asked.fee_fen)}
    return {asked.item: Decision(asked.item, False, doctor, at, reason=dice.choice(refusals))}


def _prescribed(rules: Rules, moments: Iterator[_Moment]) -> Adds:
    found: Adds = {}
    judged = [_judged(rules, names) for names in _PRESCRIPTIONS]
    reasons = sorted(rules.reasons)
    for place, at, dice in moments:
        doctor, alerts = dice.choice(_DOCTORS), dice.choice(judged)
        answers = {alert.id: _answered(alert, doctor, at, reasons, dice) for alert in alerts}
        check = MedicationCheck("", place, "", 0, at, doctor, alerts=alerts, answers=answers)
        merge(found, medication.of_check(check))
    return found


def _judged(rules: Rules, names: Sequence[str]) -> tuple[Alert, ...]:
    return tuple(judge(rules, [understand(rules, "", name) for name in names], (), ()))


def _answered(
    alert: Alert, doctor: str, at: datetime, reasons: Sequence[str], dice: random.Random
) -> Answered:
    if dice.random() < 0.7:
        return Answered(alert.id, Action.ACCEPTED, doctor, at)
    return Answered(alert.id, Action.OVERRIDDEN, doctor, at, dice.choice(reasons))
