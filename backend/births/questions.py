"""What an agency is asked, and under which id: same filing, step and attempt, same question. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend import clock
from backend.births.checking import other_name, other_number
from backend.births.models import Answers, Birth, DeliveryWay, Filing, Step
from backend.births.ports import Question
from backend.births.rules import StepRule
from backend.ids import derived_id

# A file as an agency gets it: kind, content type, content in base64.
SentFile = tuple[str, str, str]


def question_id(filing_id: str, created_at: datetime, step: str, attempt: int) -> str:
    """The id of one attempt at one step of one filing."""
    return derived_id(created_at, "birth_question", filing_id, step, str(attempt))


def question_ids(filing: Filing) -> list[str]:
    """The ids of everything that was ever asked for a filing."""
    return [
        question_id(filing.id, filing.created_at, step.code, attempt)
        for step in filing.steps
        for attempt in range(1, step.attempt + 1)
    ]


def step_asked(filing: Filing, question: str) -> Step | None:
    """The step that a question, of whichever attempt, was about."""
    return next(
        (
            step
            for step in filing.steps
            for attempt in range(1, step.attempt + 1)
            if question_id(filing.id, filing.created_at, step.code, attempt) == question
        ),
        None,
    )


def question_of(
    filing: Filing, birth: Birth, step: Step, rule: StepRule, place: str, files: Sequence[SentFile]
) -> Question:
    """The question of a step's next attempt: what its agency is told by the city's rules, and no more."""
    body: dict[str, Any] = {
        "id": question_id(filing.id, filing.created_at, step.code, step.attempt + 1),
        "step": step.code,
        "filing": filing.id,
        "attempt": step.attempt + 1,
        "materials": [
            {"kind": each.kind, "source": str(each.source)}
            for each in filing.materials
            if each.kind in rule.materials
        ],
        "files": [{"kind": kind, "content_type": form, "content": text} for kind, form, text in files],
    }
    known = _known(filing, birth, place)
    for name in rule.sends:
        group, _, rest = name.partition(".")
        if group == "earlier":
            code, _, result = rest.partition(".")
            if value := filing.result(code, result):
                body.setdefault(group, {}).setdefault(code, {})[result] = value
        elif rest:
            body.setdefault(group, {})[rest] = known[group][rest]
        elif group in known:
            body[group] = known[group]
    return Question(body["id"], step.code, step.agency, body)


def _known(filing: Filing, birth: Birth, place: str) -> dict[str, Any]:
    """Everything that could be told, by the names that stand in the rules."""
    answers = filing.answers
    known: dict[str, Any] = {
        "child": _child(birth, answers, place),
        "mother": {"name": birth.mother.name, "id_number": birth.mother.id_number},
        "household_with": str(answers.household_with),
        "delivery": _delivery(answers),
        "bank_account": answers.bank_account,
    }
    if name := other_name(birth, answers):
        known["father"] = {"name": name, "id_number": other_number(birth, answers)}
    return known


def _child(birth: Birth, answers: Answers, place: str) -> dict[str, Any]:
    facts = birth.facts
    return {
        "name": answers.child_name,
        "sex": facts.sex,
        # In the city's own time: the day of it is the birthday.
        "born_at": facts.born_at.astimezone(clock.CITY_ZONE).isoformat(),
        "weight_g": facts.weight_g,
        "length_cm": facts.length_cm,
        "gestation_weeks": facts.gestation_weeks,
        "order": facts.order,
        "of": facts.of,
        "place": place,
        "attendant": facts.attendant,
    }


def _delivery(answers: Answers) -> dict[str, str]:
    delivery = answers.delivery
    if delivery.way is DeliveryWay.PICKUP:
        return {"way": "pickup"}
    return {
        "way": "mail", "receiver": delivery.receiver, "phone": delivery.phone, "address": delivery.address,
    }  # fmt: skip
