"""Two neighbours that do not know each other: after a referral, the patient is asked how it went."""

from __future__ import annotations

from datetime import datetime

from backend.referrals.ports import AskAbout
from backend.surveys.models import Trigger
from backend.surveys.service import SurveyService


def asking_about_referrals(surveys: SurveyService) -> AskAbout:
    """What surveys are told of a referral that is complete."""

    async def ask(
        person_id: str,
        organization_id: str,
        department_id: str | None,
        practitioner_id: str | None,
        at: datetime,
        referral_id: str,
    ) -> None:
        key = f"referral:{referral_id}"
        await surveys.trigger(
            Trigger.REFERRAL, person_id, organization_id, department_id, practitioner_id, at, key
        )

    return ask
