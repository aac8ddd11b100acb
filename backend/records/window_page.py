"""The record window that hospitals embed in their workstations: pages without scripts, kept by no browser."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend import clock
from backend.directory.models import Organization
from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler, as_app_error
from backend.http.endpoint import operation, public
from backend.patient_index.models import Demographics
from backend.records.break_glass import REASONS
from backend.records.launches import actor_of
from backend.records.models import Basis, BasisKind, Kind, Purpose
from backend.records.sharing_models import Launch, Terms
from backend.records.sharing_schemas import asked_of
from backend.records.window_view import facts_of, results_of, seen_of, title_of
from backend.records.words import KIND_NAMES, PURPOSE_NAMES
from backend.residents.id_numbers import Sex, age_on
from backend.security.masking import mask_name

COOKIE = "hc_record"
_ROOT = "/workstation/records"
_PAGE = 60
_ASKED_FOR = timedelta(days=30)
_SEXES = {"male": "男", "female": "女"}
_GROUNDS = {
    BasisKind.CONSENT: "患者授权",
    BasisKind.CARE: "诊疗关系",
    BasisKind.LAW: "法定职责",
    BasisKind.BREAK_GLASS: "紧急调阅",
}
# Nothing runs, and nothing comes from elsewhere.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'"
WHY = "an address opens once by a keyed mark; from then on the browser's own cookie is asked for"
_ABOUT_THE_FORM = (ErrorCode.REASON_REQUIRED, ErrorCode.PRACTITIONER_UNKNOWN, ErrorCode.NOT_FOUND)
# Said to whoever has stated a reason.
_NO_SUCH = "没有查到这位患者，请核对证件号码。"
# What a doctor leafs by; what is left over is found under everything.
_TABS = (
    Kind.VISIT, Kind.DIAGNOSIS, Kind.LAB, Kind.IMAGING, Kind.MEDICINE, Kind.PROCEDURE, Kind.VACCINATION,
    Kind.MEASUREMENT, Kind.DOCUMENT,
)  # fmt: skip
_templates = Environment(
    loader=PackageLoader("backend.records", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["day"] = lambda at: at.astimezone(clock.CITY_ZONE).strftime("%Y-%m-%d")
_templates.filters["minute"] = lambda at: at.astimezone(clock.CITY_ZONE).strftime("%H:%M")


class WindowHandler(APIHandler):
    """One window, for the browser that opened it."""

    def set_default_headers(self) -> None:
        """Nothing is kept, nothing runs, nothing is fetched from elsewhere."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.frame_within(())

    def frame_within(self, origins: tuple[str, ...]) -> None:
        """Say whose pages may show this one inside."""
        self.clear_header("X-Frame-Options")
        within = " ".join(origins) or "'none'"
        self.set_header("Content-Security-Policy", f"{_POLICY}; frame-ancestors {within}")

    async def launch_of(self, launch_id: str) -> Launch:
        """The window, as this browser holds it. Raises LAUNCH_ENDED."""
        launches = self.services.sharing.launches
        launch = await launches.find(launch_id, self.get_cookie(COOKIE) or "")
        self.frame_within(await launches.origins(launch))
        self.actor = actor_of(launch)
        return launch

    def check_form(self) -> None:
        """Refuse a form that this window's own page did not show. Raises CSRF_FAILED."""
        self.services.csrf.check(self.get_cookie(COOKIE) or "", self.get_body_argument("_csrf", ""))

    async def basis_of(self, launch: Launch) -> Basis:
        """On what ground this window reads now. Raises RECORD_ACCESS_DENIED."""
        return await self.services.record_gate.care(self.actor, launch.person_id, asked_of(launch))

    async def header_of(self, launch: Launch, *, shown: bool) -> dict[str, str]:
        """Who the record is about; without a ground only what the hospital has said of its own patient.

        More would tell whether there is anybody of the ID number that was typed in.
        """
        charts = await self.services.patient_index.charts_of(launch.person_id)
        own = [chart for chart in charts if chart.organization_id == launch.organization_id]
        who = next((chart.who for chart in (*own, *(charts if shown else ()))), Demographics())
        identities = await self.services.residents.identities([launch.person_id]) if shown or own else {}
        identity = identities.get(launch.person_id)
        if identity is not None:
            sex: Literal["male", "female"] = "male" if identity.sex is Sex.MALE else "female"
            who = Demographics(name=identity.name, sex=sex, birth_on=identity.birth_on)
        age = f"{age_on(who.birth_on, clock.today())}岁" if who.birth_on else ""
        name = who.name if shown else mask_name(who.name)
        return {"name": name, "sex": _SEXES.get(who.sex, ""), "age": age}

    async def show(
        self,
        template: str,
        launch: Launch,
        *,
        shown: bool,
        person: dict[str, str] | None = None,
        **values: Any,
    ) -> None:
        """Finish with a template; every one has these besides its own."""
        secret = self.get_cookie(COOKIE) or ""
        self._finish(
            template,
            launch=launch,
            root=f"{_ROOT}/{launch.id}",
            person=person or await self.header_of(launch, shown=shown),
            csrf=self.services.csrf.issue(secret),
            reasons=REASONS,
            kinds=KIND_NAMES,
            purposes=PURPOSE_NAMES,
            **values,
        )

    async def show_closed(self, launch: Launch, problem: str = "") -> None:
        """No ground: what can be done about it."""
        asked = self.get_query_argument("asked", "") == "yes"
        await self.show("window_closed.html", launch, shown=False, asked=asked, problem=problem)

    async def show_refused(self, launch: Launch, error: AppError) -> None:
        """The same page with what was wrong with a form; raises what is not about the form."""
        if error.code not in _ABOUT_THE_FORM:
            raise error
        self.set_status(error.status)
        await self.show_closed(launch, _NO_SUCH if error.code is ErrorCode.NOT_FOUND else error.text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page inside the workstation that says what to do; it shows nothing of anybody."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        self.set_error_headers(error)
        self.frame_within(("*",))
        self._finish("window_error.html", error=error, request_id=self.request_id)

    def _finish(self, template: str, **values: Any) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        common = {"city_name": self.city.settings.city_name}
        self.finish(_templates.get_template(template).render(common | values))


class OpenHandler(WindowHandler):
    """The address that the workstation shows."""

    @public(WHY)
    @operation("Open a record window", tag="records", rate_limit="record_window")
    async def get(self, token: str) -> None:
        """Once; from then on this browser holds the window."""
        opened = await self.services.sharing.launches.open(token)
        path = f"{_ROOT}/{opened.launch.id}"
        # Inside another site's page only a cookie that says so comes along, and only over TLS.
        tls = self.city.settings.public_url.startswith("https://")
        kind = "SameSite=None; Secure; Partitioned" if tls else "SameSite=Lax"
        self.add_header("Set-Cookie", f"{COOKIE}={opened.secret}; Path={path}; HttpOnly; {kind}")
        self.redirect(path, status=303)


class RecordHandler(WindowHandler):
    """The record at first sight, and page by page."""

    @public(WHY)
    @operation("A record in its window", tag="records", rate_limit="record_window")
    async def get(self, launch_id: str) -> None:
        """Alerts, medicines, timeline; without a ground the ways to one."""
        launch = await self.launch_of(launch_id)
        kind = self.get_query_argument("kind", "")
        kinds = [kind] if kind in KIND_NAMES else []
        try:
            basis = await self.basis_of(launch)
        except AppError as error:
            if error.code is not ErrorCode.RECORD_ACCESS_DENIED:
                raise
            await self.show_closed(launch)
            return
        cursor = self.get_query_argument("cursor", "") or None
        overview, person = await asyncio.gather(
            self.services.record_reader.overview(basis, kinds, cursor, _PAGE),
            self.header_of(launch, shown=True),
        )
        seen = seen_of(overview)
        more = overview.timeline.cursor
        following = {"kind": kind, "cursor": more} if kinds else {"cursor": more}
        await self.show(
            "window.html",
            launch,
            shown=True,
            person=person,
            seen=seen,
            kind=kind if kinds else "",
            tabs=_TABS,
            following=f"{_ROOT}/{launch.id}?{urlencode(following)}" if more else "",
            first=cursor is None,
            ground=_GROUNDS[basis.kind],
            basis=basis,
            special=basis.kind is not BasisKind.BREAK_GLASS,
            places=await self.places({row.organization_id for row in seen.rows}),
        )

    async def places(self, ids: set[str]) -> Mapping[str, Organization]:
        """The hospitals of what is shown."""
        return await self.services.directory.organizations_by_id(ids)


class ItemHandler(WindowHandler):
    """One thing of a record."""

    @public(WHY)
    @operation("A report in its record window", tag="records", rate_limit="record_window")
    async def get(self, launch_id: str, resource_id: str) -> None:
        """A report with its results, or whatever else it is."""
        launch = await self.launch_of(launch_id)
        basis = await self.basis_of(launch)
        found, results = await self.services.record_reader.read_with_results(basis, resource_id)
        if found is None or found.deleted:
            raise AppError(ErrorCode.NOT_FOUND, "resource of this window")
        place = await self.services.directory.find_organization(found.organization_id)
        await self.show(
            "window_item.html",
            launch,
            shown=True,
            item=found,
            title=title_of(found),
            results=results_of(found, results),
            facts=facts_of(found),
            place=place.name if place else "",
        )


class BreakGlassHandler(WindowHandler):
    """The emergency."""

    @public(WHY)
    @operation("Break the glass in a record window", tag="records", rate_limit="record_window")
    async def post(self, launch_id: str) -> None:
        """For a reason; the person and the privacy officer are told at once."""
        launch = await self.launch_of(launch_id)
        self.check_form()
        stated = f"{self.get_body_argument('code', '')} {self.get_body_argument('reason', '')}"
        asked = asked_of(launch, reason=stated, purpose=Purpose.BREAK_GLASS)
        try:
            await self.services.record_gate.care(self.actor, launch.person_id, asked)
        except AppError as error:
            await self.show_refused(launch, error)
            return
        await self.services.sharing.launches.break_glass(launch)
        self.redirect(f"{_ROOT}/{launch.id}", status=303)


class AskHandler(WindowHandler):
    """Asking the person."""

    @public(WHY)
    @operation("Ask for consent in a record window", tag="records", rate_limit="record_window")
    async def post(self, launch_id: str) -> None:
        """For thirty days and everything ordinary; the person may grant less."""
        launch = await self.launch_of(launch_id)
        self.check_form()
        # To the end of a day: who presses twice asks for the same, and the person is told once.
        terms = Terms(Purpose.TREAT, clock.city_instant(clock.today() + _ASKED_FOR, 0))
        reason = self.get_body_argument("reason", "")
        try:
            await self.services.sharing.consents.ask(
                self.actor, launch.person_id, terms, launch.practitioner, reason
            )
        except AppError as error:
            await self.show_refused(launch, error)
            return
        self.redirect(f"{_ROOT}/{launch.id}?asked=yes", status=303)


class StyleHandler(APIHandler):
    """The window's style sheet."""

    @public("a style sheet")
    @operation("The record window's style sheet", tag="records")
    async def get(self) -> None:
        """CSS."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=3600")
        self.finish(_style())


@functools.cache
def _style() -> bytes:
    return (Path(__file__).parent / "templates" / "window.css").read_bytes()


WINDOW = rf"{_ROOT}/(?P<launch_id>[0-9A-Z]{{26}})"
routes = [
    (r"/workstation/window\.css", StyleHandler),
    (r"/workstation/open/(?P<token>[0-9A-Za-z]{20,80})", OpenHandler),
    (WINDOW, RecordHandler),
    (rf"{WINDOW}/items/(?P<resource_id>[0-9A-Z-]{{26,53}})", ItemHandler),
    (rf"{WINDOW}/break-glass", BreakGlassHandler),
    (rf"{WINDOW}/ask", AskHandler),
]
