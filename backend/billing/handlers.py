"""The address where WeChat Pay tells us of payments and refunds. Residents pay through their appointment."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public


class WeChatPayNoticeHandler(APIHandler):
    """Both kinds of notice: what a notice is about stands in it, not in its address."""

    @public("WeChat Pay signs each notice; the signature is checked before anything is read.")
    @operation("Receive a WeChat Pay notice", status=204, errors=(ErrorCode.NOTICE_INVALID,), tag="callbacks")
    async def post(self) -> None:
        """Kept once, acknowledged at once, acted upon by a worker; a repeat is acknowledged again."""
        await self.services.billing.receive_notice("wechat_pay", self.request.headers, self.request.body)


routes = [
    (r"/callbacks/wechat-pay/notice", WeChatPayNoticeHandler),
    (r"/callbacks/wechat-pay/refund-notice", WeChatPayNoticeHandler),
]
