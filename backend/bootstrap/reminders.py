"""Two neighbours that do not know each other: whoever checks medicines is reminded of examinations, too."""

from __future__ import annotations

from collections.abc import Sequence

from backend.medication.service import Examinations, Reminder
from backend.recognition.rules import Verdict
from backend.recognition.service import RecognitionService
from backend.recognition.words import sentence
from backend.records.models import Basis


def examination_reminders(recognition: RecognitionService) -> Examinations:
    """What recognition knows of examinations that are about to be ordered along with medicines."""

    async def look(basis: Basis, organization_id: str, codes: Sequence[str]) -> Sequence[Reminder]:
        lists = await recognition.lists_in_force()
        looked = await recognition.look(basis, organization_id, lists, codes)
        return [
            Reminder(
                name=each.item.name,
                text=sentence(shown.judgement, each.item, "其他机构"),
                organization_id=shown.found.result.organization_id,
                resource_id=shown.found.resource.id,
            )
            for each in looked
            if each.item is not None
            for shown in each.shown[:1]
            if shown.judgement.verdict is not Verdict.NOT_RECOMMENDED
        ]

    return look
