"""Who speaks for a person where his record is concerned: the person himself, and a child's guardian."""

from __future__ import annotations

from backend.errors import AppError, ErrorCode
from backend.residents.models import Patient, Relation


def check_speaks_for(patient: Patient) -> None:
    """Raise FORBIDDEN unless whoever acts for the patient may see and decide about his record.

    Another adult has agreed that somebody books for him and shows his codes, and to nothing beyond that.
    """
    if patient.relation is not Relation.SELF and not patient.minor:
        text = "成年人的病历由本人查看和授权，可由本人在手机上办理，或在医院窗口凭短信验证码授权。"
        raise AppError(ErrorCode.FORBIDDEN, "an adult decides for himself", text=text)
