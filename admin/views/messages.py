"""Messages: what was told to whom, what became of it, and sending again what did not arrive."""

from __future__ import annotations

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Filters, Form, ReasonForm
from admin.lookups import organization_names
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.messages.models import DeliveryState, Message, MessageChannel, MessageKind
from backend.permissions import Permission
from backend.security.masking import mask_phone

PAGE_SIZE = 50
RESENDABLE = (DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.SKIPPED)


class MessageFilters(Filters):
    """Which messages the list shows."""

    kind: MessageKind | None = Field(None, title="内容")
    state: DeliveryState | None = Field(None, title="发送状态")
    appointment: str = Field("", max_length=40, title="预约编号")


class PersonForm(Form):
    """Whose messages to look up; sent, not put into an address."""

    person: str = Field("", max_length=32, title="手机号或身份证号")
    cursor: str = Field("", max_length=64, title="更早")


class MessagesHandler(PageHandler):
    """The list."""

    @requires(Permission.STAFF_MESSAGES_READ)
    @page("Messages")
    async def get(self, query: MessageFilters) -> None:
        """One page, newest first."""
        messages, following = await self.services.messages.list_messages(
            self.actor,
            state=query.state,
            kind=query.kind,
            appointment_id=query.appointment.upper() or None,
            cursor=query.cursor or None,
            limit=PAGE_SIZE,
        )
        await show_messages(self, messages, following, person=False)


class PersonHandler(PageHandler):
    """One person's messages."""

    @requires(Permission.STAFF_MESSAGES_READ)
    @page("Ask whose messages")
    async def get(self) -> None:
        """The list, with its form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The form with nothing found yet."""
        await show_messages(self, [], None, person=True)

    @requires(Permission.STAFF_MESSAGES_READ)
    @page("Look a person's messages up", again=True)
    async def post(self, body: PersonForm) -> None:
        """Within scope; the look-up is on record."""
        if not body.person:
            raise AppError(ErrorCode.BAD_REQUEST, "nobody", text="请输入完整的手机号或身份证号。")
        person_id = await self.services.desk.find_person(self.actor, body.person)
        number = body.person.strip().replace(" ", "")
        messages, following = await self.services.messages.look_up(
            self.actor, number, person_id, cursor=body.cursor or None, limit=PAGE_SIZE
        )
        await show_messages(self, messages, following, person=True, masked=mask_phone(number), number=number)


class MessageHandler(PageHandler):
    """One message."""

    @requires(Permission.STAFF_MESSAGES_READ)
    @page("One message with all its tries")
    async def get(self, message_id: str) -> None:
        """What became of it, way by way; its words are not shown."""
        message = await self.services.messages.access_message(self.actor, message_id)
        self.show_page(
            "messages/one.html",
            message=message,
            names=await self.services.residents.names([message.recipient_id]),
            places=await organization_names(self.services, [message.organization_id or ""]),
            resendable=RESENDABLE,
        )


class ResendHandler(PageHandler):
    """Sending again."""

    @requires(Permission.STAFF_MESSAGES_RESEND)
    @page("Ask why a message is sent again")
    async def get(self, message_id: str, channel: str) -> None:
        """Show the form."""
        await self.show(message_id=message_id, channel=channel)

    async def show(self, **path: str) -> None:
        """Show the form."""
        message = await self.services.messages.access_message(self.actor, path["message_id"])
        names = await self.services.residents.names([message.recipient_id])
        self.show_page(
            "messages/resend.html",
            message=message,
            delivery=message.delivery(_channel(path["channel"])),
            names=names,
        )

    @requires(Permission.STAFF_MESSAGES_RESEND)
    @page("Send a message again", errors=(ErrorCode.MESSAGE_NOT_RESENDABLE,), again=True)
    async def post(self, body: ReasonForm, message_id: str, channel: str) -> None:
        """Try the delivery once more."""
        reason = body.given()
        await self.services.messages.resend(self.actor, message_id, _channel(channel), reason)
        self.go("/admin/messages", "resent")


async def show_messages(
    handler: PageHandler,
    messages: list[Message],
    following: str | None,
    *,
    person: bool,
    masked: str = "",
    number: str = "",
) -> None:
    """The list, with masked names of the recipients."""
    services = handler.services
    handler.show_page(
        "messages/list.html",
        messages=messages,
        following=following,
        person=person,
        names=await services.residents.names({message.recipient_id for message in messages}),
        places=await organization_names(services, [message.organization_id or "" for message in messages]),
        resendable=RESENDABLE,
        masked=masked,
        number=number,
    )


def _channel(text: str) -> MessageChannel:
    try:
        return MessageChannel(text)
    except ValueError:
        raise not_found(f"channel {text}") from None


_ID = r"(?P<message_id>[\w-]+)"
routes = [
    (r"/admin/messages", MessagesHandler),
    (r"/admin/messages/person", PersonHandler),
    (rf"/admin/messages/{_ID}", MessageHandler),
    (rf"/admin/messages/{_ID}/resend/(?P<channel>[a-z_]+)", ResendHandler),
]
