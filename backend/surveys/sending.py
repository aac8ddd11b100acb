"""Asking people: one way after the other, at decent hours, each within quota and not too often.

Every step is written down before it is done, and whoever is told twice with the same key is told once; so any
process may die between two lines, and the next sweep goes on. A try counts once the message has really left.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.directory.models import Organization
from backend.ids import new_id
from backend.messages.models import DeliveryState, Letter, Message, MessageKind
from backend.messages.policies import Group
from backend.residents.models import Contact
from backend.surveys.answering import wording
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.links import Links
from backend.surveys.models import (
    Campaign,
    CampaignState,
    Posted,
    Run,
    RunState,
    Share,
    Skipped,
    Version,
    Way,
)
from backend.surveys.questionnaire import next_question
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.run_store import RunStore

BATCH = 500
# How long a message takes at most to leave, and how often we look.
LOOK_AFTER = timedelta(seconds=30)
LOOK_AGAIN = timedelta(minutes=2)
# How long a sweep has its runs and its share of the quota to itself, and when its process is taken for dead.
LEASE = timedelta(minutes=3)
SETTLED_BY_OTHERS_AFTER = 2 * LEASE
# Asked by a campaign without a quota.
_NO_SHARE = "-"
# A message that has not left after this long will not be waited for.
PATIENCE = timedelta(hours=6)
# What a delivery says when its person has had surveys stopped.
OPTED_OUT = "OPTED_OUT"
_LEFT = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})
_WAITING = frozenset({DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.UNKNOWN})
KINDS = {
    Way.CARD: MessageKind.SURVEY_CARD,
    Way.SMS: MessageKind.SURVEY_QUESTION,
    Way.LINK: MessageKind.SURVEY_LINK,
}


class Post(Protocol):
    """What asking needs of the messages."""

    async def tell(self, *letters: Letter) -> None:
        """Write messages and let them be delivered."""

    async def find_told(self, letter: Letter) -> Message | None:
        """What has become of a letter."""

    async def has_stopped(self, phone: str | None, group: Group) -> bool:
        """Whether whoever has this phone wants no more messages of a group."""


class People(Protocol):
    """What asking needs of the residents."""

    async def contact(self, resident_id: str) -> Contact:
        """Phone and openids of a person."""


class Places(Protocol):
    """What asking needs of the directory."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """An institution, or None."""


@dataclass
class _Quota:
    """What this sweep may still use of a campaign's quota. Too old, it is used no more."""

    share: Share | None = None
    left: int = 0

    def take(self, now: datetime) -> bool:
        """Whether one more may be asked; if so, it is taken."""
        if self.left <= 0 or (self.share is not None and now > self.share.taken_at + LEASE):
            return False
        self.left -= 1
        return True


class Sending:
    """Brings runs that are due one step further."""

    def __init__(
        self,
        runs: RunStore,
        campaigns: CampaignStore,
        questionnaires: QuestionnaireStore,
        post: Post,
        people: People,
        places: Places,
        links: Links,
        *,
        guardians_of: Callable[[str], Awaitable[list[str]]],
        hours: tuple[int, int],
    ) -> None:
        self._runs = runs
        self._campaigns = campaigns
        self._questionnaires = questionnaires
        self._post = post
        self._people = people
        self._places = places
        self._links = links
        self._guardians_of = guardians_of
        # When people are not disturbed: before the first and from the last.
        self._hours = hours

    async def sweep(self, batches: int = 20) -> int:
        """Periodic: take what is due; returns how many runs were looked at."""
        done = 0
        for _ in range(batches):
            now = clock.now()
            runs = await self._runs.take_due(new_id(), now, now + LEASE, BATCH)
            await self._take(runs)
            done += len(runs)
            if len(runs) < BATCH:
                break
        return done

    async def left_to_call(self, runs: Sequence[Run]) -> list[Run]:
        """Those of a phone list who have not had surveys stopped since; the others are asked no more."""
        stopped = await asyncio.gather(
            *(self._wants_none(run.recipient_id or run.patient_id) for run in runs)
        )
        now = clock.now()
        await asyncio.gather(
            *(self._refused(run, now) for run, gone in zip(runs, stopped, strict=True) if gone)
        )
        return [run for run, gone in zip(runs, stopped, strict=True) if not gone]

    async def _take(self, runs: Sequence[Run]) -> None:
        campaigns = await self._campaigns.by_ids({run.campaign_id for run in runs})
        fresh = Counter(run.campaign_id for run in runs if run.quota_by is None)
        quotas = {each.id: await self._share_of(each, fresh[each.id]) for each in campaigns.values()}
        # All at once: what they ask of the database is gathered by the stores, a round trip for all of them.
        steps = (
            self._step(run, campaign, quotas[campaign.id])
            for run in runs
            if (campaign := campaigns.get(run.campaign_id)) is not None
        )
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        for quota in quotas.values():
            if quota.share is not None:
                await self._campaigns.settle(quota.share, quota.share.count - quota.left)
        if failed := [each for each in outcomes if isinstance(each, BaseException)]:
            # The others have had their turn; these come again when the lease is over.
            raise failed[0]

    async def _share_of(self, campaign: Campaign, wanted: int) -> _Quota:
        if campaign.state is not CampaignState.RUNNING or decent(clock.now(), self._hours) or not wanted:
            return _Quota()
        if not campaign.daily_quota and not campaign.total_quota:
            return _Quota(left=wanted)
        for lost in await self._campaigns.unsettled(campaign.id, clock.now() - SETTLED_BY_OTHERS_AFTER):
            await self._campaigns.settle(lost, await self._runs.count_of_share(lost))
        share = await self._campaigns.take_share(campaign, clock.today(), wanted)
        return _Quota(share, share.count if share else 0)

    async def _step(self, run: Run, campaign: Campaign, quota: _Quota) -> None:
        now = clock.now()
        if now >= run.closes_at or campaign.state is CampaignState.ENDED:
            await self._close(run, now)
        elif run.posted is not None:
            await self._look(run, campaign, run.posted, now)
        elif campaign.state is not CampaignState.RUNNING:
            await self._runs.write(replace(run, due_at=now + timedelta(minutes=10)))
        elif (later := decent(now, self._hours)) is not None:
            await self._runs.write(replace(run, due_at=later))
        elif run.way >= len(campaign.ways) or run.state is RunState.ANSWERING:
            await self._runs.write(replace(run, due_at=run.closes_at))
        elif run.quota_by is None:
            await self._first(run, campaign, quota, now)
        elif await self._wants_none(run.recipient_id):
            await self._refused(run, now)
        else:
            await self._ask(run, campaign, now)

    async def _close(self, run: Run, now: datetime) -> None:
        """The time for answers is over; what was said so far stays."""
        asked = run.state is not RunState.PLANNED or run.on_phone_list
        state = RunState.EXPIRED if asked else RunState.SKIPPED
        over = replace(
            run,
            state=state,
            skipped=None if asked else Skipped.LATE,
            due_at=None,
            ended_at=now,
            on_phone_list=False,
        )
        await self._runs.write(over, counted=(str(state),))

    # The first letter: is there anybody, may he be asked, and is there room today?

    async def _first(self, run: Run, campaign: Campaign, quota: _Quota, now: datetime) -> None:
        recipient = await self._recipient(run)
        if recipient is None:
            await self._skip(run, Skipped.UNREACHABLE, now)
            return
        recipient_id = recipient.resident_id
        if await self._post.has_stopped(recipient.phone, Group.SURVEYS):
            await self._refused(replace(run, recipient_id=recipient_id), now)
            return
        if not quota.take(now):
            await self._put_off(run, campaign, quota, now)
            return
        if not await self._campaigns.take_turn(recipient_id, run.id, now, campaign.quiet_days):
            quota.left += 1
            await self._skip(run, Skipped.ASKED_LATELY, now)
            return
        by = quota.share.id if quota.share else _NO_SHARE
        if not await self._ask(replace(run, recipient_id=recipient_id, quota_by=by), campaign, now):
            quota.left += 1

    async def _put_off(self, run: Run, campaign: Campaign, quota: _Quota, now: datetime) -> None:
        """There is no room: wait until the shares under way are settled, ours too; else until tomorrow."""
        if quota.share is not None:
            # Of those who have taken it all, some cannot be asked after all: their places come back.
            await self._runs.write(replace(run, due_at=now + LOOK_AFTER))
        elif await self._campaigns.unsettled(campaign.id, now):
            await self._runs.write(replace(run, due_at=now + LEASE))
        elif await self._campaigns.is_used_up(campaign):
            await self._skip(run, Skipped.QUOTA, now)
        else:
            await self._runs.write(replace(run, due_at=next_morning(now, self._hours)))

    async def _recipient(self, run: Run) -> Contact | None:
        """The patient, or whoever acts for a patient without a phone."""
        patient = await self._people.contact(run.patient_id)
        if _is_reachable(patient):
            return patient
        for guardian_id in await self._guardians_of(run.patient_id):
            guardian = await self._people.contact(guardian_id)
            if _is_reachable(guardian):
                return guardian
        return None

    async def _wants_none(self, person_id: str | None) -> bool:
        """Whether somebody has had surveys stopped: asked before each way, for it means all of them."""
        phone = (await self._people.contact(person_id)).phone if person_id else None
        return await self._post.has_stopped(phone, Group.SURVEYS)

    async def _skip(self, run: Run, why: Skipped, now: datetime) -> None:
        skipped = replace(run, state=RunState.SKIPPED, skipped=why, due_at=None, ended_at=now)
        await self._runs.write(skipped, counted=("skipped",))

    # One letter.

    async def _ask(self, run: Run, campaign: Campaign, now: datetime) -> bool:
        """Use the run's way; whether it was written down, whatever becomes of it."""
        way = campaign.ways[run.way]
        if way is Way.PHONE:
            return await self._runs.write(replace(run, on_phone_list=True, due_at=run.closes_at))
        posted = Posted(way, run.tries + 1, now)
        written = replace(run, posted=posted, due_at=now + LOOK_AFTER)
        if not await self._runs.write(written):
            return False
        await self._tell(written, posted)
        return True

    async def _tell(self, run: Run, posted: Posted) -> None:
        version = await self._questionnaires.find(run.questionnaire_id, run.version)
        if version is not None and run.recipient_id is not None:
            await self._post.tell(await self._letter(run, posted, run.recipient_id, version))

    async def _letter(self, run: Run, posted: Posted, recipient_id: str, version: Version) -> Letter:
        organization = await self._places.find_organization(run.organization_id)
        first = next_question(version.content, run.answers)
        until = (run.closes_at - timedelta(hours=12)).astimezone(clock.CITY_ZONE)
        facts = {
            "organization": organization.short_name or organization.name if organization else "医院",
            "title": version.content.title,
            "question": wording(first, spoken=True) if first else version.content.title,
            "link": self._links.address(run.id),
            "token": self._links.token(run.id),
            "until": f"{until.month}月{until.day}日",
            "time": f"{until.year}年{until.month}月{until.day}日 {until:%H:%M}",
        }
        key = f"{run.id}:{posted.way}:{posted.number}"
        return Letter(
            key,
            posted.at,
            recipient_id,
            KINDS[posted.way],
            facts,
            None,
            run.organization_id,
            topic=f"survey:{run.id}" if posted.way is Way.SMS else "",
        )

    async def _look(self, run: Run, campaign: Campaign, posted: Posted, now: datetime) -> None:
        """What has become of the letter?"""
        letter = Letter(
            f"{run.id}:{posted.way}:{posted.number}", posted.at, run.recipient_id or "", KINDS[posted.way], {}
        )
        message = await self._post.find_told(letter)
        if message is None:
            # Written down and never told: the process died in between.
            await self._tell(run, posted)
            await self._runs.write(replace(run, due_at=now + LOOK_AFTER))
            return
        if any(delivery.last_error == OPTED_OUT for delivery in message.deliveries):
            # Who wants no surveys is not called instead.
            await self._refused(run, now)
            return
        states = {delivery.state for delivery in message.deliveries}
        if states & _LEFT:
            await self._sent(run, campaign, posted)
        elif states & _WAITING and now - posted.at < PATIENCE:
            await self._runs.write(replace(run, due_at=now + LOOK_AGAIN))
        else:
            await self._runs.write(replace(run, posted=None, way=run.way + 1, tries=0, due_at=now))

    async def _refused(self, run: Run, now: datetime) -> None:
        over = replace(
            run, state=RunState.REFUSED, posted=None, due_at=None, ended_at=now, on_phone_list=False
        )
        await self._runs.write(over, counted=("refused",))

    async def _sent(self, run: Run, campaign: Campaign, posted: Posted) -> None:
        """It left: that is a try. The next one, or the next way, after a while."""
        tries = run.tries + 1
        last = tries >= campaign.tries
        after = replace(
            run,
            posted=None,
            tries=0 if last else tries,
            way=run.way + 1 if last else run.way,
            due_at=posted.at + campaign.again_after,
        )
        if run.state is not RunState.PLANNED:
            await self._runs.write(after)
            return
        await self._runs.write(replace(after, state=RunState.SENT, sent_at=posted.at), counted=("sent",))


def _is_reachable(contact: Contact) -> bool:
    return bool(contact.phone or contact.mini_openid)


def decent(now: datetime, hours: tuple[int, int]) -> datetime | None:
    """None by day; at night, when the day begins."""
    first, last = hours
    local = now.astimezone(clock.CITY_ZONE)
    if first <= local.hour < last:
        return None
    days = 1 if local.hour >= last else 0
    return clock.city_instant(local.date() + timedelta(days=days), first)


def next_morning(now: datetime, hours: tuple[int, int]) -> datetime:
    """When the next day begins."""
    return clock.city_instant(clock.civil_date(now) + timedelta(days=1), hours[0])
