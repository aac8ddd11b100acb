"""Campaigns: after what whom to ask, how and how often; starting, pausing, ending, and choosing a cohort."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from admin import survey_words
from admin.base import PageHandler, page
from admin.forms import Day, Filters, Form
from admin.lookups import organization_names, organizations_in_scope
from backend import clock
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.permissions import Permission
from backend.surveys.cohorts import Cohort
from backend.surveys.models import Campaign, CampaignState, Trigger, VersionState, Way

_WRITE = Permission.STAFF_SURVEYS_WRITE
WHOLE_CITY = "city"


class CampaignForm(Form):
    """A new campaign."""

    name: str = Field("", max_length=60, title="名称")
    organization: str = Field("", max_length=64, title="机构")
    questionnaire: str = Field("", max_length=64, title="问卷")
    trigger: Trigger = Field(Trigger.VISIT, title="触发")
    department: str = Field("", max_length=64, title="科室")
    first: str = Field("card", max_length=10, title="第一种方式")
    second: str = Field("sms", max_length=10, title="第二种方式")
    third: str = Field("", max_length=10, title="第三种方式")
    fourth: str = Field("", max_length=10, title="第四种方式")
    delay_hours: int = Field(24, ge=0, le=24 * 90, title="延后")
    window_days: int = Field(3, ge=1, le=29, title="等待回答")
    tries: int = Field(1, ge=1, le=3, title="每种方式次数")
    again_hours: int = Field(24, ge=1, le=24 * 7, title="间隔")
    daily_quota: int = Field(0, ge=0, le=1_000_000, title="每天人数上限")
    total_quota: int = Field(0, ge=0, le=10_000_000, title="总人数上限")
    quiet_days: int = Field(30, ge=0, le=365, title="免打扰天数")

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways in order, each once."""
        chosen = [way for way in (self.first, self.second, self.third, self.fourth) if way]
        if not chosen or any(way not in set(Way) for way in chosen):
            raise AppError(ErrorCode.BAD_REQUEST, "ways", text="请选择至少一种联系方式。")
        return tuple(dict.fromkeys(Way(way) for way in chosen))


class StateForm(Form):
    """Start, pause or end."""

    to: CampaignState = Field(CampaignState.RUNNING, title="状态")


class CohortForm(Form):
    """Those who were there in these days."""

    cohort: Cohort = Field(Cohort.VISITS, title="人员")
    from_on: Day = Field(title="开始日期")
    to_on: Day = Field(title="结束日期")


class NewFilters(Filters):
    """Where a new campaign starts from."""

    organization: str = Field("", max_length=64, title="机构")


class CampaignsHandler(PageHandler):
    """The list."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("Campaigns")
    async def get(self) -> None:
        """Newest first."""
        campaigns = await self.services.surveys.library.list_campaigns(self.actor)
        versions = await self.services.surveys.library.list_questionnaires(self.actor)
        self.show_page(
            "surveys/campaigns.html",
            campaigns=campaigns,
            titles={version.questionnaire_id: version.content.title for version in versions},
            names=await organization_names(self.services, [c.organization_id or "" for c in campaigns]),
            said=survey_words,
        )


class NewCampaignHandler(PageHandler):
    """A new campaign."""

    @requires(_WRITE)
    @page("Ask for a campaign")
    async def get(self, query: NewFilters) -> None:
        """The form, with what most campaigns have."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        organizations = await organizations_in_scope(self.services, self.actor)
        chosen = self.typed.get("organization") or self.query.get("organization", "")
        chosen = chosen or (organizations[0].id if organizations else "")
        known = any(each.id == chosen for each in organizations)
        versions = await self.services.surveys.library.list_questionnaires(self.actor)
        self.show_page(
            "surveys/campaign_new.html",
            organizations=organizations,
            chosen=chosen,
            departments=await self.services.directory.list_departments(chosen) if known else [],
            versions=[version for version in versions if _asked(version.number, version.state)],
            form=CampaignForm(),
            said=survey_words,
        )

    @requires(_WRITE)
    @page("Make a campaign", errors=(ErrorCode.BAD_REQUEST, ErrorCode.FORBIDDEN), again=True)
    async def post(self, body: CampaignForm) -> None:
        """Save it; it begins when it is started."""
        if not body.name:
            raise AppError(ErrorCode.BAD_REQUEST, "name", text="请填写计划名称。")
        library = self.services.surveys.library
        number = await self._published(body.questionnaire)
        campaign = Campaign(
            id=new_id(),
            name=body.name,
            organization_id=None if body.organization == WHOLE_CITY else body.organization,
            questionnaire_id=body.questionnaire,
            version=number,
            trigger=body.trigger,
            state=CampaignState.DRAFT,
            department_ids=(body.department,) if body.department else (),
            ways=body.ways,
            delay=timedelta(hours=body.delay_hours),
            window=timedelta(days=body.window_days),
            tries=body.tries,
            again_after=timedelta(hours=body.again_hours),
            daily_quota=body.daily_quota,
            total_quota=body.total_quota,
            quiet_days=body.quiet_days,
        )
        made = await library.create_campaign(self.actor, campaign)
        self.go(f"/admin/surveys/campaigns/{made.id}", "saved")

    async def _published(self, questionnaire_id: str) -> int:
        """The newest version that may be asked."""
        versions = await self.services.surveys.library.list_versions(self.actor, questionnaire_id)
        found = next((each.number for each in versions if each.state is VersionState.PUBLISHED), None)
        if found is None:
            raise AppError(ErrorCode.BAD_REQUEST, "not published", text="请先发布问卷，再用于随访计划。")
        return found


class CampaignHandler(PageHandler):
    """One campaign."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("A campaign")
    async def get(self, campaign_id: str) -> None:
        """Its rules, how far it is, and what can be done."""
        await self.show(campaign_id=campaign_id)

    async def show(self, **path: str) -> None:
        """Show it."""
        library = self.services.surveys.library
        campaign = await library.read_campaign(self.actor, path["campaign_id"])
        version = await library.read(self.actor, campaign.questionnaire_id, campaign.version)
        place = campaign.organization_id
        own = self.actor.organization_ids is None or (place is not None and self.actor.covers(place))
        # A campaign of the whole city counts people of other hospitals, who are none of this one's business.
        self.show_page(
            "surveys/campaign.html",
            campaign=campaign,
            version=version,
            own=own,
            counts=await library.counts(campaign) if own else None,
            organization=await self.services.directory.find_organization(place) if place else None,
            departments=await self.services.directory.departments_by_id(campaign.department_ids),
            today=clock.today(),
            said=survey_words,
        )


class CampaignStateHandler(CampaignHandler):
    """Starting, pausing, ending."""

    @requires(_WRITE)
    @page("Start, pause or end a campaign", errors=(ErrorCode.CONFLICT,), again=True)
    async def post(self, body: StateForm, campaign_id: str) -> None:
        """Do it."""
        await self.services.surveys.library.set_campaign(self.actor, campaign_id, body.to)
        self.go(f"/admin/surveys/campaigns/{campaign_id}", "saved")


class InviteHandler(CampaignHandler):
    """Choosing a cohort."""

    @requires(_WRITE)
    @page("Ask those who were there", errors=(ErrorCode.BAD_REQUEST, ErrorCode.CONFLICT), again=True)
    async def post(self, body: CohortForm, campaign_id: str) -> None:
        """Plan their runs; the same again plans nobody twice."""
        await self.services.surveys.invite(self.actor, campaign_id, body.from_on, body.to_on, body.cohort)
        self.go(f"/admin/surveys/campaigns/{campaign_id}", "saved")


def _asked(number: int, state: VersionState) -> bool:
    """Whether some version of it has been published."""
    return state is VersionState.PUBLISHED or number > 1


routes = [
    (r"/admin/surveys/campaigns", CampaignsHandler),
    (r"/admin/surveys/campaigns/new", NewCampaignHandler),
    (r"/admin/surveys/campaigns/(?P<campaign_id>[\w-]+)", CampaignHandler),
    (r"/admin/surveys/campaigns/(?P<campaign_id>[\w-]+)/state", CampaignStateHandler),
    (r"/admin/surveys/campaigns/(?P<campaign_id>[\w-]+)/invite", InviteHandler),
]
