"""A resident's messages, and the addresses where the SMS gateway tells us of deliveries and replies."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Page, PageQuery
from backend.messages.schemas import MessageOut, Subscriptions, message_out
from backend.permissions import Permission


class MessageListHandler(APIHandler):
    """The list."""

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("List messages")
    async def get(self, query: PageQuery) -> Page[MessageOut]:
        """Newest first; delivery states say whether SMS and WeChat arrived."""
        messages, cursor = await self.services.messages.list_mine(
            self.actor, cursor=query.cursor, limit=query.limit
        )
        return Page(items=[message_out(message) for message in messages], next_cursor=cursor)


class MessageReadHandler(APIHandler):
    """One message."""

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("Mark a message as read", status=204, errors=(ErrorCode.NOT_FOUND,))
    async def post(self, message_id: str) -> None:
        """Marking again changes nothing."""
        await self.services.messages.mark_read(self.actor, message_id)


class SubscriptionsHandler(APIHandler):
    """What WeChat lets us send."""

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("Report accepted WeChat prompts", status=204)
    async def post(self, body: Subscriptions) -> None:
        """Each accepted prompt allows one message of its kind."""
        await self.services.messages.grant(self.actor, body.template_kinds)


_WHY_PUBLIC = "The gateway signs nothing; its address holds a secret, and a wrong one does not exist."


class CloudMASReportHandler(APIHandler):
    """Delivery reports of cloud MAS."""

    @public(_WHY_PUBLIC)
    @operation(
        "Receive SMS delivery reports",
        status=204,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.BAD_REQUEST),
        tag="callbacks",
    )
    async def post(self, secret: str) -> None:
        """A report may come more than once, and before we know what it is about."""
        await self.services.messages.receive_reports(secret, self.request.body)


class CloudMASReplyHandler(APIHandler):
    """Replies of residents by SMS."""

    @public(_WHY_PUBLIC)
    @operation(
        "Receive SMS replies",
        status=204,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.BAD_REQUEST),
        tag="callbacks",
    )
    async def post(self, secret: str) -> None:
        """A reply may come more than once."""
        await self.services.messages.receive_replies(secret, self.request.body)


routes = [
    (r"/api/v1/messages", MessageListHandler),
    (r"/api/v1/messages/subscriptions", SubscriptionsHandler),
    (r"/api/v1/messages/(?P<message_id>[^/]+)/read", MessageReadHandler),
    (r"/callbacks/sms/mas/(?P<secret>[^/]+)/report", CloudMASReportHandler),
    (r"/callbacks/sms/mas/(?P<secret>[^/]+)/reply", CloudMASReplyHandler),
]
