"""Which answers may still be changed: not what agencies have done, nor what others have before them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from backend.births.machine import StepState
from backend.births.models import Answers, Filing
from backend.births.rules import Rules
from backend.errors import AppError, ErrorCode


def refuse_of_done(rules: Rules, filing: Filing, answers: Answers) -> None:
    """What an agency has done in an earlier filing stands: the next one is told the same.

    Raises BAD_REQUEST.
    """
    done = {step.code for step in filing.steps if step.state is StepState.DONE}
    fixed = {field for rule in rules.steps if rule.code in done for field in rule.corrects}
    changed = _changed(filing, answers, fixed - {"bank_account"})
    _refuse(changed, "有的内容已由部门办结，不能再改；需要更改的，请到办理该事项的部门。")


def refuse_of_others(rules: Rules, filing: Filing, step: str, answers: Answers) -> None:
    """Only what this step is about may be answered otherwise: other agencies have the rest.

    Raises BAD_REQUEST.
    """
    may = {*rules.by_code[step].corrects, "delivery"}
    changed = _changed(filing, answers, Answers.__dataclass_fields__.keys() - may)
    _refuse(changed, "这一项只能更正与它有关的内容，其他内容已由别的部门在办理。")


def _changed(filing: Filing, answers: Answers, fields: Collection[str]) -> list[str]:
    return sorted(name for name in fields if getattr(answers, name) != getattr(filing.answers, name))


def _refuse(changed: list[str], text: str) -> None:
    if changed:
        raise AppError(ErrorCode.BAD_REQUEST, "fields", data={"fields": changed}, text=text)
