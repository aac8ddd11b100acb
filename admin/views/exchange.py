"""HL7 messages of hospitals: what came, what it became, what was not understood, what waits for somebody."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from admin import exchange_words
from admin.base import PageHandler, page
from admin.forms import Day, Filters, Form, ReasonForm
from admin.lookups import access_organization, organization_names, organizations_in_scope
from admin.views import exchange_outbound
from backend.errors import AppError, ErrorCode
from backend.exchange.v2.desk import MessageFilter, check_city, keeps_senders, read_rows
from backend.exchange.v2.models import Kept, MessageState, SenderKind
from backend.exchange.v2.views import Line
from backend.http.endpoint import requires
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_EXCHANGE_READ, Permission.STAFF_EXCHANGE_WRITE
_SENDERS = Permission.STAFF_EXCHANGE_SENDERS_MANAGE
_BASE = "/admin/exchange"
_NO_REASON = (ErrorCode.REASON_REQUIRED,)
PAGE_SIZE = 50


class MessageFilters(Filters):
    """Which messages the list shows."""

    organization: str = Field("", max_length=40, title="机构")
    state: MessageState | None = Field(None, title="状态")
    kind: str = Field("", max_length=20, title="类型")
    on: Day | None = Field(None, title="日期")


class TextForm(ReasonForm):
    """A corrected message."""

    text: str = Field("", max_length=200_000, title="消息内容")


class SenderForm(Form):
    """Whose a name on the wire is."""

    kind: SenderKind = Field(SenderKind.FACILITY, title="方式")
    value: str = Field("", max_length=200, title="标识")
    organization: str = Field("", max_length=40, title="机构")
    charset: str = Field("", max_length=40, title="默认字符集")


class RowsForm(Form):
    """A hospital's rows of a table; `step` says whether they are only looked at."""

    rows: str = Field("", max_length=100_000, title="对照")
    step: str = Field("preview", max_length=10, title="步骤")


class MessagesHandler(PageHandler):
    """The list."""

    @requires(_READ)
    @page("HL7 messages")
    async def get(self, query: MessageFilters) -> None:
        """One page, the newest first."""
        desk = self.services.exchange.desk
        wanted = MessageFilter(query.organization, query.state, query.kind, query.on, query.cursor)
        messages, following = await desk.list_messages(self.actor, wanted, PAGE_SIZE)
        self.show_page(
            "exchange/messages.html",
            messages=messages,
            following=following,
            dead=await desk.count_dead(self.actor),
            choices=[
                (each.id, each.name) for each in await organizations_in_scope(self.services, self.actor)
            ],
            names=await organization_names(self.services, [m.organization_id for m in messages]),
            said=exchange_words,
        )


class MessageHandler(PageHandler):
    """One message."""

    @requires(_READ)
    @page("One HL7 message")
    async def get(self, message_id: str) -> None:
        """Masked."""
        desk = self.services.exchange.desk
        kept = await desk.access(self.actor, message_id)
        await show_message(self, kept, await desk.lines(self.actor, message_id), revealed=False)


class RevealHandler(PageHandler):
    """One message as it came."""

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Ask why a message is shown unmasked")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await show_step(self, path["message_id"], "reveal")

    @requires(Permission.STAFF_PERSONAL_DATA_UNMASK)
    @page("Show a message unmasked", errors=_NO_REASON, again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Show it this once; it goes on record and no cache keeps the page."""
        desk = self.services.exchange.desk
        lines = await desk.reveal(self.actor, message_id, body.given())
        await show_message(self, await desk.access(self.actor, message_id), lines, revealed=True)


class ReplayHandler(PageHandler):
    """Mapping a message once more."""

    @requires(_WRITE)
    @page("Ask why a message is replayed")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await show_step(self, path["message_id"], "replay")

    @requires(_WRITE)
    @page("Replay a message", errors=(*_NO_REASON, ErrorCode.CONFLICT), again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Do it, and show what became of it."""
        await self.services.exchange.desk.replay(self.actor, message_id, body.given())
        self.go(f"{_BASE}/messages/{message_id}", "saved")


class SetAsideHandler(PageHandler):
    """Leaving a dead letter as it is."""

    @requires(_WRITE)
    @page("Ask why a message is set aside")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        await show_step(self, path["message_id"], "set-aside")

    @requires(_WRITE)
    @page("Set a message aside", errors=(*_NO_REASON, ErrorCode.CONFLICT), again=True)
    async def post(self, body: ReasonForm, message_id: str) -> None:
        """Do it."""
        await self.services.exchange.desk.set_aside(self.actor, message_id, body.given())
        self.go(f"{_BASE}/messages/{message_id}", "saved")


class EditHandler(PageHandler):
    """Correcting a dead letter: its text is shown after a reason was given."""

    @requires(_WRITE)
    @page("Ask why a message is corrected")
    async def get(self, message_id: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id)

    async def show(self, **path: str) -> None:
        """Show the form, with what was typed; the reason as well, for it may be what was refused."""
        kept = await self.services.exchange.desk.access(self.actor, path["message_id"])
        text = self.typed.get("text", "")
        template = "exchange/edit.html" if text else "exchange/step.html"
        self.show_page(template, message=kept, step="edit", text=text, reason="", said=exchange_words)

    @requires(_WRITE)
    @page("Correct a message", errors=(*_NO_REASON, ErrorCode.CONFLICT), again=True)
    async def post(self, body: TextForm, message_id: str) -> None:
        """Open the text with a reason; take the corrected copy."""
        desk, reason = self.services.exchange.desk, body.given()
        if not body.text:
            text = await desk.open_for_editing(self.actor, message_id, reason)
            kept = await desk.access(self.actor, message_id)
            self.show_page(
                "exchange/edit.html", message=kept, step="edit", text=text, reason=reason, said=exchange_words
            )
            return
        copy = await desk.correct(self.actor, message_id, body.text, reason)
        self.go(f"{_BASE}/messages/{copy.id}", "saved")


class SendersHandler(PageHandler):
    """Names on the wire, and whose they are."""

    @requires(_READ)
    @page("Senders of HL7 messages")
    async def get(self) -> None:
        """The list, with a form to add one."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The list."""
        senders = await self.services.exchange.desk.list_senders(self.actor)
        self.show_page(
            "exchange/senders.html",
            senders=senders,
            keeps=keeps_senders(self.actor),
            organizations=await organizations_in_scope(self.services, self.actor),
            names=await organization_names(self.services, [s.organization_id for s in senders]),
            said=exchange_words,
        )

    @requires(_SENDERS)
    @page("Say whose a sender is", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: SenderForm) -> None:
        """Take messages of this name as that hospital's."""
        check_city(self.actor)
        place = await access_organization(self.services, self.actor, body.organization)
        desk = self.services.exchange.desk
        await desk.allow(self.actor, body.kind, body.value, place.id, body.charset)
        self.go(f"{_BASE}/senders", "saved")


class BlockHandler(PageHandler):
    """Taking nothing from a sender any more."""

    @requires(_SENDERS)
    @page("Block a sender")
    async def post(self, sender_id: str) -> None:
        """Do it."""
        await self.services.exchange.desk.block(self.actor, sender_id)
        self.go(f"{_BASE}/senders", "saved")


class TablesHandler(PageHandler):
    """A hospital's code tables."""

    @requires(_READ)
    @page("Code tables")
    async def get(self, query: MessageFilters) -> None:
        """Every table: the city's rows, the hospital's, and codes that met none."""
        places = await organizations_in_scope(self.services, self.actor)
        chosen = query.organization or (places[0].id if places else "")
        tables = await self.services.exchange.desk.list_tables(self.actor, chosen) if chosen else []
        self.show_page(
            "exchange/tables.html", tables=tables, organizations=places, chosen=chosen, said=exchange_words
        )


class TableHandler(PageHandler):
    """One table of one hospital."""

    @requires(_READ)
    @page("One code table")
    async def get(self, organization_id: str, table: str) -> None:
        """The rows, to be changed."""
        await self.show(organization_id=organization_id, table=table)

    async def show(self, **path: str) -> None:
        """The rows as typed, else as they stand."""
        await self._show(path["organization_id"], path["table"], self.typed.get("rows"))

    async def _show(self, organization_id: str, table: str, typed: str | None) -> None:
        place = await access_organization(self.services, self.actor, organization_id)
        view = await self.services.exchange.desk.table(self.actor, organization_id, table)
        standing = "\n".join(f"{code} = {to}" for code, to in view.own.items())
        preview = None
        if typed is not None:
            try:
                preview = changes(dict(view.own), read_rows(typed), [code for code, _ in view.unknown])
            except AppError:
                preview = None
        self.show_page(
            "exchange/table.html",
            place=place,
            view=view,
            rows=standing if typed is None else typed,
            preview=preview,
            said=exchange_words,
        )

    @requires(_WRITE)
    @page("Change a code table", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: RowsForm, organization_id: str, table: str) -> None:
        """Show what would change, or write it."""
        rows = read_rows(body.rows)
        if body.step != "write":
            await self._show(organization_id, table, body.rows)
            return
        place = await access_organization(self.services, self.actor, organization_id)
        await self.services.exchange.desk.write_table(self.actor, place.id, table, rows)
        self.go(f"{_BASE}/tables/{organization_id}/{table}", "saved")


def changes(
    before: dict[str, str], after: dict[str, str], unknown: list[str]
) -> list[tuple[str, str, str, bool]]:
    """Rows that change: code, before, after, and whether it was met without a row lately."""
    codes = sorted(before.keys() | after.keys())
    return [
        (code, before.get(code, ""), after.get(code, ""), code in unknown)
        for code in codes
        if before.get(code) != after.get(code)
    ]


async def show_message(handler: PageHandler, kept: Kept, lines: list[Line], *, revealed: bool) -> None:
    """A message with its segments, its resources, and what was not understood."""
    counted = Counter(resource.partition("/")[0] for resource in kept.resources)
    handler.show_page(
        "exchange/message.html",
        message=kept,
        lines=lines,
        revealed=revealed,
        counted=counted.most_common(),
        became=await handler.services.exchange.desk.became(handler.actor, kept),
        names=await organization_names(handler.services, [kept.organization_id]),
        said=exchange_words,
    )


async def show_step(handler: PageHandler, message_id: str, step: str) -> None:
    """The form that asks for a reason."""
    kept = await handler.services.exchange.desk.access(handler.actor, message_id)
    handler.show_page("exchange/step.html", message=kept, step=step, said=exchange_words)


_ID = r"(?P<message_id>[0-9A-Z]{26})"
routes: list[tuple[str, type]] = [
    (r"/admin/exchange", MessagesHandler),
    (rf"/admin/exchange/messages/{_ID}", MessageHandler),
    (rf"/admin/exchange/messages/{_ID}/reveal", RevealHandler),
    (rf"/admin/exchange/messages/{_ID}/edit", EditHandler),
    (rf"/admin/exchange/messages/{_ID}/replay", ReplayHandler),
    (rf"/admin/exchange/messages/{_ID}/set-aside", SetAsideHandler),
    (r"/admin/exchange/senders", SendersHandler),
    (r"/admin/exchange/senders/(?P<sender_id>[0-9A-Z]{26})/block", BlockHandler),
    *exchange_outbound.routes,
    (r"/admin/exchange/tables", TablesHandler),
    (r"/admin/exchange/tables/(?P<organization_id>[^/]+)/(?P<table>[^/]+)", TableHandler),
]
