"""A clerk's page: what each agency has before it, with the buttons a clerk has; and the same for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.agencies import AGENCIES, CORRECTION, COUNTERS, REFUSAL, STEPS, Offices
from sandbox.control import ControlError, ControlHandler
from sandbox.state import Application
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

SHOWN = 60
STANDINGS = {
    "accepted": ("已受理", "amber"),
    "needs_correction": ("待补正", "red"),
    "rejected": ("不予办理", "red"),
    "done": ("已办结", "green"),
    "cancelled": ("已撤回", "grey"),
}
DECISIONS = ("done", "needs_correction", "rejected")
HANDOVERS = {"posted": "寄出", "ready": "通知领取", "missing": "丢失", "received": "已签收"}


def _decide(offices: Offices, application: Application, standing: str, text: str = "") -> None:
    problem = {"needs_correction": CORRECTION, "rejected": REFUSAL}.get(standing)
    problems = [problem | ({"text": text} if text else {})] if problem else []
    offices.decide(application, standing, problems)


class ClerkHandler(PageHandler):
    """GET and POST /agencies: one agency's desk."""

    offices: Offices

    def initialize(self, world: World, offices: Offices | None = None) -> None:
        super().initialize(world)
        if offices is not None:
            self.offices = offices

    async def get(self) -> None:
        """What waits, and what is decided."""
        agency = self.get_query_argument("agency", "")
        every = [one for one in self.world.state.applications.values() if one.step]
        mine = [one for one in every if agency in ("", one.agency)][::-1]
        self.page(
            "agencies.html",
            agencies=AGENCIES,
            steps=STEPS,
            standings=STANDINGS,
            handovers=HANDOVERS,
            counters=COUNTERS,
            agency=agency,
            waiting=[one for one in mine if one.standing == "accepted"][:SHOWN],
            decided=[one for one in mine if one.standing != "accepted"][:SHOWN],
            clerk=self.world.switches.on("agencies_clerk"),
        )

    async def post(self) -> None:
        """Decide, or take the desk over from the automaton."""
        action = self.get_body_argument("action", "")
        if action in ("clerk", "automatic"):
            self.world.switches.set({"agencies_clerk": action == "clerk"})
            self.world.keeper.changed()
        application = self.offices.find(self.get_body_argument("id", ""))
        if application is not None and action in DECISIONS:
            _decide(self.offices, application, action, self.get_body_argument("text", "").strip()[:200])
        if application is not None and action in HANDOVERS:
            self.offices.hand_over(application, action)
        self.redirect(f"/agencies?agency={self.get_body_argument('agency', '')}", status=303)


class ApplicationListHandler(ControlHandler):
    """GET /control/agencies: every application, with how often it was handed over."""

    async def get(self) -> None:
        """All of them."""
        self.reply({"items": [asdict(one) for one in self.world.state.applications.values()]})


class _ApplicationHandler(ControlHandler):
    """What a script does to one application."""

    offices: Offices

    def initialize(self, world: World, offices: Offices | None = None) -> None:
        super().initialize(world)
        if offices is not None:
            self.offices = offices

    def found(self, application_id: str) -> Application:
        """The application. Raises 404."""
        application = self.offices.find(application_id)
        if application is None:
            raise ControlError(404, "no such application")
        return application


class DecideHandler(_ApplicationHandler):
    """POST /control/agencies/{id}/decide {standing, text?, results?}."""

    async def post(self, application_id: str) -> None:
        """As a clerk would, and against all order if a test wants it so."""
        application, body = self.found(application_id), self.body()
        standing = str(body.get("standing", "done"))
        if standing not in DECISIONS:
            raise ControlError(400, f"standing is one of {', '.join(DECISIONS)}")
        if body.get("reopen"):
            application.standing = "accepted"
        if body.get("results"):
            self.offices.decide(application, standing, results=dict(body["results"]))
        else:
            _decide(self.offices, application, standing, str(body.get("text", "")))
        self.reply(asdict(application))


class HandOverHandler(_ApplicationHandler):
    """POST /control/agencies/{id}/hand-over {state, courier?, tracking_no?, place?}."""

    async def post(self, application_id: str) -> None:
        """What is done is posted, laid out, lost or received."""
        application, body = self.found(application_id), self.body()
        told = {name: str(body[name]) for name in ("courier", "tracking_no", "place") if name in body}
        self.offices.hand_over(application, str(body.get("state", "")), **told)
        self.reply(asdict(application))


def routes(world: World, offices: Offices) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The clerk's page and its control paths."""
    return [
        (r"/agencies", ClerkHandler, {"world": world, "offices": offices}),
        (r"/control/agencies", ApplicationListHandler, {"world": world}),
        (r"/control/agencies/([^/]+)/decide", DecideHandler, {"world": world, "offices": offices}),
        (r"/control/agencies/([^/]+)/hand-over", HandOverHandler, {"world": world, "offices": offices}),
    ]
