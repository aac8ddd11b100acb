"""The steps of care for which a code is shown (诊疗环节), as data: what each is told, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.directory.models import TerminalKind


class Tell(StrEnum):
    """One thing about a patient that a step may need."""

    NAME = "name"
    MASKED_NAME = "masked_name"
    ID_NUMBER = "id_number"
    MASKED_ID_NUMBER = "masked_id_number"
    SEX = "sex"
    BIRTH_ON = "birth_on"
    AGE = "age"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, what it is told beyond the patient's id, and whether a printed code will do."""

    code: str
    name: str
    tells: frozenset[Tell]
    # A printed code can be photographed. It serves where a mix-up is noticed before it can hurt.
    low_risk: bool
    terminals: frozenset[TerminalKind]


_T, _K = Tell, TerminalKind
_WINDOW = frozenset({_K.WINDOW})


def _step(
    code: str, name: str, tells: set[Tell], *, low_risk: bool = False, terminals: frozenset[TerminalKind]
) -> Step:
    return Step(code, name, frozenset(tells), low_risk, terminals)


STEPS: dict[str, Step] = {
    step.code: step
    for step in (
        _step(
            "10101",
            "挂号",
            {_T.NAME, _T.ID_NUMBER, _T.SEX, _T.BIRTH_ON, _T.AGE, _T.PHONE},
            low_risk=True,
            terminals=_WINDOW | {_K.KIOSK},
        ),
        _step(
            "10102", "诊断", {_T.NAME, _T.MASKED_ID_NUMBER, _T.SEX, _T.BIRTH_ON, _T.AGE}, terminals=_WINDOW
        ),
        _step("10103", "取药", {_T.NAME, _T.SEX, _T.AGE}, terminals=_WINDOW | {_K.PHARMACY, _K.KIOSK}),
        _step("10104", "检查", {_T.NAME, _T.SEX, _T.BIRTH_ON, _T.AGE}, terminals=_WINDOW | {_K.LAB}),
        _step("10105", "收费", {_T.MASKED_NAME}, low_risk=True, terminals=_WINDOW | {_K.KIOSK, _K.PHARMACY}),
        _step("10106", "开方", {_T.NAME, _T.SEX, _T.BIRTH_ON, _T.AGE}, terminals=_WINDOW),
        _step(
            "10107", "手术", {_T.NAME, _T.MASKED_ID_NUMBER, _T.SEX, _T.BIRTH_ON, _T.AGE}, terminals=_WINDOW
        ),
        _step("0", "其他", {_T.MASKED_NAME}, low_risk=True, terminals=frozenset(TerminalKind)),
    )
}
