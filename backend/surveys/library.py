"""Staff's side: questionnaires by version, and the campaigns that send them, within the actor's hospitals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor, Permission
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.models import (
    WITHOUT_DEPARTMENT,
    Campaign,
    CampaignState,
    RunState,
    Version,
    VersionState,
)
from backend.surveys.questionnaire import Questionnaire, problems
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.run_store import RunStore

_S = CampaignState
# What may follow a campaign's state.
_BEFORE = {
    _S.RUNNING: (_S.DRAFT, _S.PAUSED),
    _S.PAUSED: (_S.RUNNING,),
    _S.ENDED: (_S.DRAFT, _S.RUNNING, _S.PAUSED),
}
# With the night before it, no longer than an address is good for (links.py).
LONGEST_WINDOW = timedelta(days=29)
LONGEST_QUIET_DAYS = 365


class Library:
    """Questionnaires and campaigns."""

    def __init__(
        self,
        questionnaires: QuestionnaireStore,
        campaigns: CampaignStore,
        runs: RunStore,
        audit: AuditService,
    ) -> None:
        self._questionnaires = questionnaires
        self._campaigns = campaigns
        self._runs = runs
        self._audit = audit

    # Questionnaires.

    async def list_questionnaires(self, actor: Actor) -> list[Version]:
        """The newest version of each questionnaire that the actor may use."""
        return await self._questionnaires.list_newest(actor.organization_ids)

    async def list_versions(self, actor: Actor, questionnaire_id: str) -> list[Version]:
        """Every version of one, newest first. Raises NOT_FOUND."""
        await self.read(actor, questionnaire_id)
        return await self._questionnaires.list_versions(questionnaire_id)

    async def read(self, actor: Actor, questionnaire_id: str, number: int | None = None) -> Version:
        """A version, or the newest: the actor's hospitals' own or the city's. Raises NOT_FOUND."""
        version = await self._questionnaires.find(questionnaire_id, number)
        if version is None or not _may_use(actor, version.organization_id):
            raise not_found("questionnaire")
        return version

    async def create(self, actor: Actor, organization_id: str | None, content: Questionnaire) -> Version:
        """Begin a questionnaire. Raises NOT_FOUND for a hospital outside the actor's."""
        _check_owner(actor, organization_id)
        version = Version(
            new_id(), 1, organization_id, VersionState.DRAFT, 1, content, updated_at=clock.now()
        )
        await self._questionnaires.insert(version)
        await self._record(actor, "surveys.create", version)
        return version

    async def save(
        self, actor: Actor, questionnaire_id: str, revision: int, content: Questionnaire
    ) -> Version:
        """Save a draft over the revision that was edited; a published one begins its next version.

        Raises NOT_FOUND, CONFLICT.
        """
        newest = await self._access(actor, questionnaire_id)
        if newest.revision != revision:
            raise AppError(ErrorCode.CONFLICT, "questionnaire changed meanwhile")
        now = clock.now()
        if newest.state is VersionState.DRAFT:
            after = replace(newest, content=content, revision=revision + 1, updated_at=now)
            saved = await self._questionnaires.save_draft(after, revision)
        else:
            after = Version(
                questionnaire_id,
                newest.number + 1,
                newest.organization_id,
                VersionState.DRAFT,
                revision + 1,
                content,
                updated_at=now,
            )
            saved = await self._questionnaires.insert(after)
        if not saved:
            raise AppError(ErrorCode.CONFLICT, "questionnaire changed meanwhile")
        await self._record(actor, "surveys.save", after)
        return after

    async def publish(self, actor: Actor, questionnaire_id: str) -> Version:
        """Freeze the newest version; from now on it may be asked. Raises BAD_REQUEST saying what is wrong."""
        newest = await self._access(actor, questionnaire_id)
        if newest.state is VersionState.PUBLISHED:
            return newest
        wrong = problems(newest.content)
        if wrong:
            raise AppError(ErrorCode.BAD_REQUEST, "questionnaire", text="".join(wrong))
        draft, published = VersionState.DRAFT, VersionState.PUBLISHED
        if not await self._questionnaires.set_state(questionnaire_id, newest.number, draft, published):
            raise AppError(ErrorCode.CONFLICT, "questionnaire changed meanwhile")
        await self._record(actor, "surveys.publish", newest)
        return replace(newest, state=published, published_at=clock.now())

    # Campaigns.

    async def list_campaigns(self, actor: Actor) -> list[Campaign]:
        """Campaigns of the actor's hospitals and of the city, newest first."""
        return await self._campaigns.list_of(actor.organization_ids)

    async def read_campaign(self, actor: Actor, campaign_id: str) -> Campaign:
        """A campaign. Raises NOT_FOUND."""
        campaign = await self._campaigns.find(campaign_id)
        if campaign is None or not _may_use(actor, campaign.organization_id):
            raise not_found("campaign")
        return campaign

    async def counts(self, campaign: Campaign) -> dict[RunState, int]:
        """How many of its runs are in which state."""
        return await self._runs.counts_of(campaign.id)

    async def create_campaign(self, actor: Actor, campaign: Campaign) -> Campaign:
        """Begin a campaign with a published version. Raises NOT_FOUND, BAD_REQUEST."""
        _check_owner(actor, campaign.organization_id)
        version = await self.read(actor, campaign.questionnaire_id, campaign.version)
        if version.state is not VersionState.PUBLISHED:
            raise AppError(ErrorCode.BAD_REQUEST, "not published", text="请先发布问卷，再用于随访计划。")
        if campaign.department_ids and campaign.trigger in WITHOUT_DEPARTMENT:
            text = "检查和出生的随访不分科室，请选择“全部科室”。"
            raise AppError(ErrorCode.BAD_REQUEST, "the trigger has no department", text=text)
        if campaign.window > LONGEST_WINDOW or campaign.quiet_days > LONGEST_QUIET_DAYS:
            raise AppError(ErrorCode.BAD_REQUEST, "campaign is too long")
        now = clock.now()
        made = replace(campaign, state=_S.DRAFT, created_at=now, updated_at=now)
        await self._campaigns.insert(made)
        await self._record_campaign(actor, "surveys.create_campaign", made)
        return made

    async def set_campaign(self, actor: Actor, campaign_id: str, to: CampaignState) -> Campaign:
        """Start, pause or end a campaign; the same again changes nothing. Raises NOT_FOUND, CONFLICT."""
        campaign = await self.read_campaign(actor, campaign_id)
        _check_owner(actor, campaign.organization_id)
        if campaign.state is to:
            return campaign
        if not await self._campaigns.set_state(campaign_id, _BEFORE.get(to, ()), to):
            raise AppError(ErrorCode.CONFLICT, "campaign is not in that state")
        await self._record_campaign(actor, f"surveys.campaign_{to}", campaign)
        return replace(campaign, state=to)

    async def _access(self, actor: Actor, questionnaire_id: str) -> Version:
        """The newest version, to be changed: only by those whose it is."""
        newest = await self.read(actor, questionnaire_id)
        _check_owner(actor, newest.organization_id)
        return newest

    async def _record(self, actor: Actor, action: str, version: Version) -> None:
        await self._audit.record(
            actor,
            action,
            f"questionnaire/{version.questionnaire_id}",
            "随访问卷管理",
            version.organization_id,
            {"version": version.number},
        )

    async def _record_campaign(self, actor: Actor, action: str, campaign: Campaign) -> None:
        await self._audit.record(
            actor, action, f"survey_campaign/{campaign.id}", "随访计划管理", campaign.organization_id
        )


def _may_use(actor: Actor, organization_id: str | None) -> bool:
    """The city's questionnaires are everybody's to use."""
    return organization_id is None or actor.covers(organization_id)


def _check_owner(actor: Actor, organization_id: str | None) -> None:
    if not actor.may(Permission.STAFF_SURVEYS_WRITE):
        raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_SURVEYS_WRITE)
    if organization_id is None:
        if actor.organization_ids is not None:
            raise AppError(
                ErrorCode.FORBIDDEN, "the city's", text="全市问卷和计划由市级运营管理，本院可以复制后使用。"
            )
    elif not actor.covers(organization_id):
        raise not_found("organization")
