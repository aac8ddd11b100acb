"""A result that came on paper, typed in by staff: the step is done as if its agency had said so. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from backend import clock
from backend.births.children import ID_NUMBER, fits
from backend.births.machine import By, StepEvent
from backend.births.models import Birth, Filing, PaperResult, Step
from backend.births.rules import StepRule
from backend.births.settling import Change, Settling, noted
from backend.errors import AppError, ErrorCode

# A card may be fetched later than the paper is written; what lies a year ahead is a slip of the pen.
_AHEAD = timedelta(days=366)


def entered(
    settling: Settling, filing: Filing, birth: Birth, step: Step, rule: StepRule, said: PaperResult,
    who: str, now: datetime,
) -> Change:  # fmt: skip
    """The filing with the result. Raises BAD_REQUEST, and MoveError once the agency has answered."""
    number, handed_by = said.number.strip(), said.handed_by.strip()
    if not number or not handed_by:
        raise _unfit("请填写结果编号和交来人。")
    born_on = clock.civil_date(birth.facts.born_at)
    if not born_on <= said.dated_on <= born_on + _AHEAD:
        raise _unfit("结果上的日期有误，应在孩子出生之后，请核对。")
    results = {rule.yields.number: number, rule.yields.dated: said.dated_on.isoformat()}
    if rule.yields_id_number:
        results[ID_NUMBER] = said.id_number.strip().upper()
        if not fits(birth, results[ID_NUMBER]):
            raise _unfit("身份证号有误，或与孩子的出生日期、性别不符，请对照原件核对。")
    paper = replace(said, number=number, handed_by=handed_by, note=said.note.strip())
    text = f"交来人：{handed_by}" + (f"；{paper.note}" if paper.note else "")
    told = noted(filing, now, who, "paper", step.code, text)
    done = settling.step(
        told, step.code, StepEvent.FINISH, By.STAFF, who, now,
        results=results, paper=paper, problems=(), answered_at=now,
    )  # fmt: skip
    return settling.settled(done, now)


def _unfit(text: str) -> AppError:
    return AppError(ErrorCode.BAD_REQUEST, "paper result", text=text)
