"""A resident's messages, and the addresses where the SMS gateway tells us of deliveries and replies."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Items, Page, PageQuery
from backend.messages.schemas import (
    AliyunHeard,
    MessageOut,
    OptOutOut,
    Subscriptions,
    TencentHeard,
    message_out,
    optout_out,
)
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


class _PushHandler(APIHandler):
    """What a provider of text messages tells us; each wants to be told in its own way that it was heard."""

    async def reports(self, path: str, secret: str) -> None:
        receiving = self.services.messages.receiving
        await receiving.pushed_reports(path, secret, self.request.body, self.client_ip)

    async def replies(self, path: str, secret: str) -> None:
        receiving = self.services.messages.receiving
        await receiving.pushed_replies(path, secret, self.request.body, self.client_ip)


_REFUSALS = (ErrorCode.NOT_FOUND, ErrorCode.BAD_REQUEST)


class CloudMASReportHandler(_PushHandler):
    """Delivery reports of cloud MAS."""

    @public(_WHY_PUBLIC)
    @operation("Receive SMS delivery reports", status=204, errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> None:
        """A report may come more than once, and before we know what it is about."""
        await self.reports("mas", secret)


class CloudMASReplyHandler(_PushHandler):
    """Replies of residents by cloud MAS."""

    @public(_WHY_PUBLIC)
    @operation("Receive SMS replies", status=204, errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> None:
        """A reply may come more than once."""
        await self.replies("mas", secret)


class AliyunReportHandler(_PushHandler):
    """Delivery reports of Aliyun SMS."""

    @public(_WHY_PUBLIC)
    @operation("Receive Aliyun SMS reports", errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> AliyunHeard:
        """Anything but this answer is pushed again after 1, 5 and 10 minutes."""
        await self.reports("aliyun", secret)
        return AliyunHeard()


class AliyunReplyHandler(_PushHandler):
    """Replies of residents by Aliyun SMS."""

    @public(_WHY_PUBLIC)
    @operation("Receive Aliyun SMS replies", errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> AliyunHeard:
        """A reply may come more than once."""
        await self.replies("aliyun", secret)
        return AliyunHeard()


class TencentReportHandler(_PushHandler):
    """Delivery reports of Tencent Cloud SMS."""

    @public(_WHY_PUBLIC)
    @operation("Receive Tencent Cloud SMS reports", errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> TencentHeard:
        """A report may come more than once."""
        await self.reports("tencent", secret)
        return TencentHeard()


class TencentReplyHandler(_PushHandler):
    """Replies of residents by Tencent Cloud SMS."""

    @public(_WHY_PUBLIC)
    @operation("Receive Tencent Cloud SMS replies", errors=_REFUSALS, tag="callbacks")
    async def post(self, secret: str) -> TencentHeard:
        """A reply may come more than once."""
        await self.replies("tencent", secret)
        return TencentHeard()


class OptOutListHandler(APIHandler):
    """Text messages the resident wants no more."""

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("List stopped text messages")
    async def get(self) -> Items[OptOutOut]:
        """Groups of messages that are stopped for the resident's phone."""
        return Items(items=[optout_out(one) for one in await self.services.messages.list_optouts(self.actor)])


class OptOutHandler(APIHandler):
    """One group of messages."""

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("Stop text messages of a group", status=204, errors=(ErrorCode.NOT_FOUND,))
    async def put(self, group: str) -> None:
        """The same as answering T to one of them. WeChat messages and the list go on."""
        await self.services.messages.stop(self.actor, group)

    @requires(Permission.RESIDENT_MESSAGES_READ)
    @operation("Allow text messages of a group again", status=204, errors=(ErrorCode.NOT_FOUND,))
    async def delete(self, group: str) -> None:
        """Also after the person has answered T."""
        await self.services.messages.allow(self.actor, group)


routes = [
    (r"/api/v1/messages", MessageListHandler),
    (r"/api/v1/messages/subscriptions", SubscriptionsHandler),
    (r"/api/v1/messages/opt-outs", OptOutListHandler),
    (r"/api/v1/messages/opt-outs/(?P<group>[^/]+)", OptOutHandler),
    (r"/api/v1/messages/(?P<message_id>[^/]+)/read", MessageReadHandler),
    (r"/callbacks/sms/mas/(?P<secret>[^/]+)/report", CloudMASReportHandler),
    (r"/callbacks/sms/mas/(?P<secret>[^/]+)/reply", CloudMASReplyHandler),
    (r"/callbacks/sms/aliyun/(?P<secret>[^/]+)/report", AliyunReportHandler),
    (r"/callbacks/sms/aliyun/(?P<secret>[^/]+)/reply", AliyunReplyHandler),
    (r"/callbacks/sms/tencent/(?P<secret>[^/]+)/report", TencentReportHandler),
    (r"/callbacks/sms/tencent/(?P<secret>[^/]+)/reply", TencentReplyHandler),
]
