"""Reminds people of what is to be done after discharge: a day before, once, however often it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from backend import clock
from backend.messages.models import Letter, MessageKind
from backend.messages.tellers import long_day, short_day
from backend.referrals.family import Family
from backend.referrals.following import one_alone
from backend.referrals.models import Referral
from backend.referrals.plans import Line, reminded, tell_at, to_tell
from backend.referrals.store import ReferralStore
from backend.referrals.telling import Messages, Places

# Nobody is woken by what is to be done tomorrow.
FROM_HOUR, UNTIL_HOUR = 10, 20
BATCH = 200


class Reminding:
    """What is told is written down afterwards: who dies between the two tells it again under the same key,

    and under one key a person is told once.
    """

    def __init__(self, store: ReferralStore, messages: Messages, family: Family, places: Places) -> None:
        self._store = store
        self._messages = messages
        self._family = family
        self._places = places

    async def run(self) -> int:
        """Periodic. How many referrals were looked at."""
        now = clock.now()
        if not FROM_HOUR <= now.astimezone(clock.CITY_ZONE).hour < UNTIL_HOUR:
            return 0
        due = await self._store.to_remind(now, BATCH)
        for referral in due:
            with one_alone(referral):
                for on, lines in to_tell(referral, now).items():
                    await self._tell(referral, on, lines)
                # Who has moved it meanwhile is looked at again.
                await self._store.write(reminded(referral, now))
        return len(due)

    async def _tell(self, referral: Referral, on: date, lines: Sequence[Line]) -> None:
        """Never what is to be done: that stands in the app, for the patient alone."""
        to = await self._places.find_organization(referral.to_organization_id)
        person_id, at = referral.person_id, tell_at(referral, lines[0].item)
        phone = to.phone if to else ""
        facts = {
            "patient": await self._family.called(person_id),
            "to": to.name if to else "医疗机构",
            "day": long_day(on),
            "date": short_day(on),
            "number": str(len(lines)),
            "phone": phone,
            "phone_sms": f"（电话{phone}）" if phone else "",
        }
        people = await self._family.people(person_id)
        await self._messages.tell(*(self._letter(referral, on, at, each, facts) for each in people))

    def _letter(self, referral: Referral, on: date, at: datetime, whom: str, facts: dict[str, str]) -> Letter:
        key, kind = f"{referral.id}:follow-up:{on}", MessageKind.REFERRAL_FOLLOW_UP
        return Letter(key, at, whom, kind, facts, None, referral.to_organization_id)
