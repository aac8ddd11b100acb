"""HL7 messages to hospitals: what was told, what waits, what a hospital will not have; where they go."""

from __future__ import annotations

from pydantic import Field

from admin import exchange_words
from admin.base import PageHandler, page
from admin.forms import Filters, Form, ReasonForm
from admin.lookups import access_organization, organization_names, organizations_in_scope
from backend.errors import ErrorCode
from backend.exchange.v2.desk import check_city, keeps_senders
from backend.exchange.v2.outbound_models import VERSIONS, Family, Outgoing, OutState, Target
from backend.exchange.v2.views import Line
from backend.http.endpoint import requires
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_EXCHANGE_READ, Permission.STAFF_EXCHANGE_WRITE
_SENDERS = Permission.STAFF_EXCHANGE_SENDERS_MANAGE
_BASE, _TARGETS = "/admin/exchange/outbound", "/admin/exchange/targets"
_REFUSALS = (ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT)
PAGE_SIZE = 50


class OutboundFilters(Filters):
    """Which messages the list shows."""

    organization: str = Field("", max_length=40, title="机构")
    state: OutState | None = Field(None, title="状态")


class CorrectedForm(ReasonForm):
    """A corrected message."""

    text: str = Field("", max_length=200_000, title="消息内容")


class TargetForm(Form):
    """Where a hospital's messages go."""

    organization: str = Field("", max_length=40, title="机构")
    host: str = Field("", max_length=255, title="地址")
    port: int = Field(0, ge=0, le=65_535, title="端口")
    tls: str = Field("", max_length=3, title="TLS")
    version: str = Field("2.5.1", max_length=10, title="版本")
    charset: str = Field("UNICODE UTF-8", max_length=40, title="字符集")
    families: list[str] = Field(default_factory=list, max_length=10, title="消息")
    app: str = Field("", max_length=100, title="接收应用")
    facility: str = Field("", max_length=100, title="接收机构")


class OutboundHandler(PageHandler):
    """The list."""

    @requires(_READ)
    @page("HL7 messages to hospitals")
    async def get(self, query: OutboundFilters) -> None:
        """One page, the newest first."""
        desk = self.services.exchange.outbound.desk
        messages, following = await desk.list_messages(
            self.actor, query.organization, query.state, query.cursor, PAGE_SIZE
        )
        places = await organizations_in_scope(self.services, self.actor)
        self.show_page(
            "exchange/outbound.html",
            messages=messages,
            following=following,
            dead=await desk.count(self.actor, OutState.DEAD),
            waiting=await desk.count(self.actor, OutState.WAITING),
            choices=[(each.id, each.name) for each in places],
            names=await organization_names(self.services, [m.organization_id for m in messages]),
            said=exchange_words,
        )


class OutgoingHandler(PageHandler):
    """One message."""

    @requires(_READ)
    @page("One HL7 message to a hospital")
    async def get(self, message_id: str) -> None:
        """Masked."""
        desk = self.services.exchange.outbound.desk
        message = await desk.access(self.actor, message_id)
        await _show(self, message, await desk.lines(self.actor, message_id), revealed=False)


class RevealHandler(PageHandler):
    """One message as it goes out."""

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Ask why a message to a hospital is shown unmasked")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await _show_step(self, path["message_id"], "reveal")

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Show a message to a hospital unmasked", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Show it this once; it goes on record and no cache keeps the page."""
        desk = self.services.exchange.outbound.desk
        lines = await desk.reveal(self.actor, message_id, body.given())
        await _show(self, await desk.access(self.actor, message_id), lines, revealed=True)


class SendAgainHandler(PageHandler):
    """Sending a dead letter as it is."""

    @requires(_WRITE)
    @page("Ask why a message is sent again")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await _show_step(self, path["message_id"], "send-again")

    @requires(_WRITE)
    @page("Send a message again", errors=_REFUSALS, again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Queue it."""
        await self.services.exchange.outbound.desk.send_again(self.actor, message_id, body.given())
        self.go(f"{_BASE}/{message_id}", "saved")


class SetAsideHandler(PageHandler):
    """Leaving a dead letter as it is."""

    @requires(_WRITE)
    @page("Ask why a message to a hospital is set aside")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await _show_step(self, path["message_id"], "set-aside")

    @requires(_WRITE)
    @page("Set a message to a hospital aside", errors=_REFUSALS, again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Do it; what came after it goes out."""
        await self.services.exchange.outbound.desk.set_aside(self.actor, message_id, body.given())
        self.go(f"{_BASE}/{message_id}", "saved")


class EditHandler(PageHandler):
    """Correcting a dead letter: its text is shown after a reason was given."""

    @requires(_WRITE)
    @page("Ask why a message to a hospital is corrected")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form, with what was typed; the reason as well, for it may be what was refused."""
        text = self.typed.get("text", "")
        if not text:
            await _show_step(self, path["message_id"], "edit")
            return
        message = await self.services.exchange.outbound.desk.access(self.actor, path["message_id"])
        self.show_page("exchange/outgoing_edit.html", message=message, text=text, reason="")

    @requires(_WRITE)
    @page("Correct a message to a hospital", errors=_REFUSALS, again=True)
    async def post(self, body: CorrectedForm, message_id: str) -> None:
        """Open the text with a reason; send the corrected one."""
        desk, reason = self.services.exchange.outbound.desk, body.given()
        if not body.text:
            text = await desk.open_for_editing(self.actor, message_id, reason)
            message = await desk.access(self.actor, message_id)
            self.show_page("exchange/outgoing_edit.html", message=message, text=text, reason=reason)
            return
        await desk.correct(self.actor, message_id, body.text, reason)
        self.go(f"{_BASE}/{message_id}", "saved")


class TargetsHandler(PageHandler):
    """Where hospitals want their messages."""

    @requires(_READ)
    @page("Where HL7 messages to hospitals go")
    async def get(self) -> None:
        """The list, with a form to add or change one."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The list."""
        targets = await self.services.exchange.outbound.desk.list_targets(self.actor)
        self.show_page(
            "exchange/targets.html",
            targets=targets,
            keeps=keeps_senders(self.actor),
            organizations=await organizations_in_scope(self.services, self.actor),
            names=await organization_names(self.services, [one.organization_id for one in targets]),
            versions=VERSIONS,
            said=exchange_words,
        )

    @requires(_SENDERS)
    @page("Say where a hospital's HL7 messages go", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: TargetForm) -> None:
        """From now on it is told by message."""
        check_city(self.actor)
        place = await access_organization(self.services, self.actor, body.organization)
        target = Target(
            organization_id=place.id,
            host=body.host,
            port=body.port,
            tls=body.tls == "yes",
            version=body.version,
            charset=body.charset,
            families=frozenset(family for family in Family if family in body.families),
            app=body.app,
            facility=body.facility,
        )
        await self.services.exchange.outbound.desk.write_target(self.actor, target)
        self.go(_TARGETS, "saved")


class PauseHandler(PageHandler):
    """Not sending to a hospital for a while, or going on."""

    @requires(_SENDERS)
    @page("Stop sending to a hospital, or go on")
    async def post(self, organization_id: str, what: str) -> None:
        """Do it; what happens meanwhile is queued."""
        desk = self.services.exchange.outbound.desk
        await desk.pause(self.actor, organization_id, paused=what == "pause")
        self.go(_TARGETS, "saved")


async def _show(handler: PageHandler, message: Outgoing, lines: list[Line], *, revealed: bool) -> None:
    handler.show_page(
        "exchange/outgoing.html",
        message=message,
        lines=lines,
        revealed=revealed,
        names=await organization_names(handler.services, [message.organization_id]),
        said=exchange_words,
    )


async def _show_step(handler: PageHandler, message_id: str, step: str) -> None:
    message = await handler.services.exchange.outbound.desk.access(handler.actor, message_id)
    handler.show_page("exchange/outgoing_step.html", message=message, step=step, said=exchange_words)


_ID = r"(?P<message_id>[0-9A-Z]{26})"
routes: list[tuple[str, type]] = [
    (r"/admin/exchange/outbound", OutboundHandler),
    (rf"/admin/exchange/outbound/{_ID}", OutgoingHandler),
    (rf"/admin/exchange/outbound/{_ID}/reveal", RevealHandler),
    (rf"/admin/exchange/outbound/{_ID}/edit", EditHandler),
    (rf"/admin/exchange/outbound/{_ID}/send-again", SendAgainHandler),
    (rf"/admin/exchange/outbound/{_ID}/set-aside", SetAsideHandler),
    (r"/admin/exchange/targets", TargetsHandler),
    (r"/admin/exchange/targets/(?P<organization_id>[^/]+)/(?P<what>pause|resume)", PauseHandler),
]
