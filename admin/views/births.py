"""Births: the work-list, one filing with its graph, births that look like others, figures."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from admin import birth_words, spreadsheet
from admin.base import PageHandler, page
from admin.birth_figures import AGENCY_COLUMNS, MONTH_COLUMNS, agency_cells, charts, hidden_of, month_cells
from admin.forms import Day, Filters, Form, ReasonForm
from admin.lookups import organization_names
from admin.small_numbers import SMALL
from admin.step_graph import draw
from backend import clock
from backend.births.machine import FilingState, StepState
from backend.births.models import FilingView, OwnerKind, PaperResult, WorkQuery
from backend.births.receiving import Deed, Done
from backend.errors import ErrorCode, not_found
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.security.masking import mask_id_number, mask_name, mask_phone

_READ, _HANDLE = Permission.STAFF_BIRTHS_READ, Permission.STAFF_BIRTHS_HANDLE
BASE = "/admin/births"
PER_PAGE = 30


class WorkFilters(Filters):
    """Whose turn, where."""

    scope: str = Field("staff", max_length=10, title="范围")
    state: FilingState | None = Field(None, title="状态")
    agency: str = Field("", max_length=30, title="部门")


class StepForm(Form):
    """What is done about a filing, and why."""

    step: str = Field("", max_length=30, title="事项")
    text: str = Field("", max_length=1000, title="处理记录")


class PaperForm(Form):
    """A result that came on paper."""

    step: str = Field("", max_length=30, title="事项")
    number: str = Field(min_length=1, max_length=60, title="结果编号")
    dated_on: Day = Field(title="结果日期")
    id_number: str = Field("", max_length=18, title="孩子的身份证号")
    handed_by: str = Field(min_length=1, max_length=50, title="交来人")
    remark: str = Field("", max_length=500, title="说明")


class HandoverForm(Form):
    """What is done about a paper or card on its way."""

    step: str = Field(max_length=30, title="事项")
    deed: Deed = Field(title="操作")
    courier: str = Field("", max_length=30, title="快递公司")
    tracking_no: str = Field("", max_length=40, title="快递单号")
    place: str = Field("", max_length=100, title="领取地点")
    shown: str = Field("", max_length=80, title="取件码或身份证号")
    remark: str = Field("", max_length=500, title="说明")


class PickupForm(Form):
    """What a parent's phone shows at the counter."""

    shown: str = Field(max_length=80, title="取件码")


class SameForm(ReasonForm):
    """Whether two notices are one birth."""

    same: str = Field("", max_length=3, title="结论")


class FigureFilters(Filters):
    """For how long."""

    months: int = Field(3, ge=1, le=12, title="时间")


class WorkHandler(PageHandler):
    """The work-list."""

    @requires(_READ)
    @page("Filings of births")
    async def get(self, query: WorkFilters) -> None:
        """Those that wait for staff first, the most urgent on top."""
        desk = self.services.births.desk
        wanted = WorkQuery(
            waiting_for_staff=query.scope == "staff",
            mine=query.scope == "mine",
            state=query.state,
            agency=query.agency,
            cursor=query.cursor,
            limit=PER_PAGE,
        )
        views, following = await desk.worklist(self.actor, wanted)
        waiting, late = await desk.count(self.actor)
        self.show_page(
            "births/list.html",
            views=views,
            following=following,
            waiting=waiting,
            late=late,
            doubtful=len(await desk.doubtful(self.actor)),
            names=await organization_names(self.services, [view.filing.organization_id for view in views]),
            owners=await _owners(self, views),
            agencies=self.services.births.rules.agencies,
            mask=mask_name,
            now=clock.now(),
            said=birth_words,
        )


class CountsHandler(PageHandler):
    """What waits, for the menu."""

    by_a_person = False

    @requires(_READ)
    @page("What waits of births")
    async def get(self) -> None:
        """JSON."""
        waiting, late = await self.services.births.desk.count(self.actor)
        self.finish({"waits": waiting, "late": bool(late)})


class FilingPage(PageHandler):
    """One filing, to be looked at or worked on."""

    async def show(self, **path: str) -> None:
        """Show it; that somebody looked is on record."""
        view = await self.services.births.desk.look(self.actor, path["filing_id"])
        filing = view.filing
        shown = [step for step in filing.steps if step.state is not StepState.NOT_WANTED]
        members = {entry.by for entry in filing.history} | {filing.taken_by}
        self.show_page(
            "births/filing.html",
            view=view,
            filing=filing,
            drawing=draw({step.code: step.needs for step in shown}),
            steps={step.code: step for step in shown},
            names={step.code: step.name for step in filing.steps},
            owners=await _owners(self, [view]),
            members=await self.services.staff.names({each for each in members if each}),
            organization=await self.services.directory.find_organization(filing.organization_id),
            agencies=self.services.births.rules.agencies,
            rules=self.services.births.rules.by_code,
            mask=mask_name,
            mask_number=mask_id_number,
            mask_phone=mask_phone,
            now=clock.now(),
            said=birth_words,
        )


class FilingHandler(FilingPage):
    """One filing."""

    @requires(_READ)
    @page("A filing of a birth")
    async def get(self, filing_id: str) -> None:
        """Its graph, clocks, materials and history, and what can be done."""
        await self.show(filing_id=filing_id)


class FilingDeedHandler(FilingPage):
    """Taking, noting, asking again, retrying, withdrawing."""

    @requires(_HANDLE)
    @page("Work on a filing of a birth", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT), again=True)
    async def post(self, body: StepForm, filing_id: str, deed: str) -> None:
        """Do it and show the filing."""
        desk = self.services.births.desk
        match deed:
            case "take":
                await desk.take(self.actor, filing_id)
            case "note":
                await desk.note(self.actor, filing_id, body.text)
            case "settle":
                await desk.settle(self.actor, filing_id, body.text)
            case "revoke":
                await desk.revoke(self.actor, filing_id, body.step, body.text)
            case "withdraw":
                await desk.withdraw(self.actor, filing_id, body.text)
            case "ask-again":
                await desk.ask_again(self.actor, filing_id, body.step)
            case "retry":
                await desk.retry(self.actor, filing_id, body.step, body.text)
            case "mark-corrected":
                await desk.mark_corrected(self.actor, filing_id, body.step, body.text)
            case _:
                raise not_found("deed")
        self.go(f"{BASE}/filings/{filing_id}", "saved")


class PaperResultHandler(FilingPage):
    """A result that came on paper."""

    @requires(_HANDLE)
    @page(
        "Type in a result of a birth's step", errors=(ErrorCode.CONFLICT, ErrorCode.BAD_REQUEST), again=True
    )
    async def post(self, body: PaperForm, filing_id: str) -> None:
        """The step is done, as if its agency had said so."""
        said = PaperResult(body.number, body.dated_on, body.handed_by, body.remark, body.id_number)
        await self.services.births.desk.enter(self.actor, filing_id, body.step, said)
        self.go(f"{BASE}/filings/{filing_id}", "saved")


class HandoverHandler(FilingPage):
    """What a step hands over."""

    @requires(_HANDLE)
    @page(
        "Work on what a birth's step hands over",
        errors=(ErrorCode.CONFLICT, ErrorCode.BAD_REQUEST, ErrorCode.REASON_REQUIRED),
        again=True,
    )
    async def post(self, body: HandoverForm, filing_id: str) -> None:
        """Posted, laid out, handed over, received, or missing."""
        done = Done(body.deed, body.courier, body.tracking_no, body.place, body.shown, body.remark)
        await self.services.births.receiving.do(self.actor, filing_id, body.step, done)
        self.go(f"{BASE}/filings/{filing_id}", "saved")


class PickupHandler(PageHandler):
    """A parent at the counter."""

    @requires(_READ)
    @page("Find a filing by the code at the counter", errors=(ErrorCode.NOT_FOUND,))
    async def post(self, body: PickupForm) -> None:
        """The filing that the scanned code is about."""
        filing_id = await self.services.births.receiving.opened_by(self.actor, body.shown)
        self.redirect(f"{BASE}/filings/{filing_id}#handover", status=303)


class PrintHandler(PageHandler):
    """What has come of a step, as a PDF."""

    @requires(_READ)
    @page("A printout of a birth's step")
    async def get(self, filing_id: str, step: str) -> None:
        """Masked, as everything here is; on record."""
        content = await self.services.births.desk.print(self.actor, filing_id, step)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", "inline")
        self.finish(content)


class FileHandler(PageHandler):
    """A photo that the parents sent."""

    @requires(_READ)
    @page("A material of a filing")
    async def get(self, filing_id: str, file_id: str) -> None:
        """As it came; on record."""
        file, content = await self.services.births.desk.read_file(self.actor, filing_id, file_id)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Content-Disposition", "inline")
        self.finish(content)


class DoubtfulPage(PageHandler):
    """Births that look like others, to be looked at or decided."""

    async def show(self, **path: str) -> None:
        """Show them."""
        del path
        desk = self.services.births.desk
        births = await desk.doubtful(self.actor)
        likes = await desk.likes(self.actor, births)
        places = [birth.organization_id for birth in (*births, *likes.values())]
        self.show_page(
            "births/doubtful.html",
            births=births,
            likes=likes,
            names=await organization_names(self.services, places),
            mask=mask_name,
            mask_number=mask_id_number,
            said=birth_words,
        )


class DoubtfulHandler(DoubtfulPage):
    """Births that look like others."""

    @requires(_READ)
    @page("Births that look like others")
    async def get(self) -> None:
        """The oldest first, each with the one it looks like."""
        await self.show()


class DecideHandler(DoubtfulPage):
    """The decision about one."""

    @requires(_HANDLE)
    @page("Decide whether births are one", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT), again=True)
    async def post(self, body: SameForm, birth_id: str) -> None:
        """The same, or another child's."""
        same = body.same == "yes"
        await self.services.births.desk.decide_doubtful(self.actor, birth_id, same=same, reason=body.given())
        self.go(f"{BASE}/doubtful", "saved")


class FiguresHandler(PageHandler):
    """How it goes."""

    @requires(_READ)
    @page("Figures of births")
    async def get(self, query: FigureFilters) -> None:
        """By month and by agency."""
        figures = await self.services.births.desk.figures(self.actor, query.months)
        hidden = hidden_of(figures, self.actor)
        self.show_page(
            "births/figures.html",
            figures=figures,
            names=_step_names(self),
            agencies=self.services.births.rules.agencies,
            promised=self.services.births.rules.promised_working_days,
            charts=charts(figures, hidden),
            hidden=hidden,
            small=SMALL,
            said=birth_words,
        )


class ExportHandler(PageHandler):
    """The same as a file."""

    @requires(_READ)
    @page("Export the figures of births")
    async def get(self, query: FigureFilters) -> None:
        """CSV, without anybody in it."""
        figures = await self.services.births.desk.figures(self.actor, query.months)
        names, agencies = _step_names(self), self.services.births.rules.agencies
        hidden = hidden_of(figures, self.actor)
        rows: list[Sequence[str]] = [["类别", "名称", *MONTH_COLUMNS]]
        rows += [["合计", "", *month_cells(figures.total, hidden)]]
        rows += [["月份", line.month, *month_cells(line, hidden)] for line in figures.months]
        rows += [["类别", "名称", *AGENCY_COLUMNS]]
        rows += [
            ["事项", f"{names.get(line.step, line.step)}（{agencies.get(line.agency, line.agency)}）",
             *agency_cells(line, hidden)]
            for line in figures.agencies
        ]  # fmt: skip
        await self.services.audit.record(
            self.actor, "births.exported", "births/figures", "导出出生一件事统计", None
        )
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="births.csv"')
        self.finish(spreadsheet.lines(rows, first=True))


def _step_names(handler: PageHandler) -> dict[str, str]:
    return {rule.code: rule.name for rule in handler.services.births.rules.steps}


async def _owners(handler: PageHandler, views: Sequence[FilingView]) -> dict[str, str]:
    """Who has to move next, in words, by filing."""
    agencies = handler.services.births.rules.agencies
    members = await handler.services.staff.names({view.filing.taken_by for view in views} - {""})

    def named(view: FilingView) -> str:
        owner = view.owner
        if owner is None:
            return "—"
        if owner.kind is OwnerKind.AGENCY:
            return agencies.get(owner.id, owner.id)
        if owner.kind is OwnerKind.STAFF:
            return members.get(owner.id, "工作人员")
        return birth_words.OWNERS[owner.kind]

    return {view.filing.id: named(view) for view in views}


routes = [
    (BASE, WorkHandler),
    (rf"{BASE}/counts", CountsHandler),
    (rf"{BASE}/pickup", PickupHandler),
    (rf"{BASE}/doubtful", DoubtfulHandler),
    (rf"{BASE}/doubtful/(?P<birth_id>[\w-]+)", DecideHandler),
    (rf"{BASE}/figures", FiguresHandler),
    (rf"{BASE}/figures/export", ExportHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)", FilingHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)/files/(?P<file_id>[\w-]+)", FileHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)/papers/(?P<step>[\w-]+)", PrintHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)/paper-result", PaperResultHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)/handover", HandoverHandler),
    (rf"{BASE}/filings/(?P<filing_id>[\w-]+)/(?P<deed>[a-z-]+)", FilingDeedHandler),
]
