"""Notices of payment channels: verified, kept as received, acknowledged; acted upon from the outbox."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from backend.billing.gateways import Gateways
from backend.billing.models import Difference, order_id_of_trade
from backend.billing.refunding import Refunding
from backend.billing.settling import Settling
from backend.billing.store import NoticeStore, OrderStore, StoredNotice
from backend.errors import AppError, ErrorCode
from backend.worker.events import Event, EventKind
from payment.ports import InvalidNoticeError, Notice, NoticeKind

log = logging.getLogger(__name__)


class Notices:
    """Receives and handles."""

    def __init__(
        self,
        notices: NoticeStore,
        orders: OrderStore,
        gateways: Gateways,
        settling: Settling,
        refunding: Refunding,
    ) -> None:
        self._notices = notices
        self._orders = orders
        self._gateways = gateways
        self._settling = settling
        self._refunding = refunding

    async def receive(self, channel: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Verify and keep a notice; False for one kept before. Raises NOTICE_INVALID.

        The channel waits seconds for the answer and asks again if none comes, so nothing is decided here.
        """
        try:
            notice = self._gateways.named(channel).parse_notice(headers, body)
        except InvalidNoticeError as error:
            raise AppError(ErrorCode.NOTICE_INVALID, str(error)) from error
        known = notice.kind is not NoticeKind.OTHER
        if not known:
            log.warning("notice_of_unknown_kind", extra={"channel": channel, "type": notice.event_type})
        stored = _stored(channel, notice, "due" if known else "ignored")
        event = Event(EventKind.PAYMENT_NOTICE_RECEIVED, {"notice_id": stored.id})
        return await self._notices.insert(stored, body.decode(), (event,) if known else ())

    async def on_notice(self, event: Event) -> None:
        """Act upon a kept notice."""
        notice = await self._notices.find(event.data["notice_id"])
        if notice is None or notice.state != "due":
            return
        if not await self._apply(notice):
            await self._report_stranger(notice)
        await self._notices.set_done(notice.id)

    async def _apply(self, notice: StoredNotice) -> bool:
        merchant_id = self._gateways.named(notice.channel).merchant_id
        if notice.payment is not None:
            order_id = order_id_of_trade(notice.payment.out_trade_no)
            return await self._settling.believe(order_id, notice.payment, merchant_id) is not None
        if notice.refund is not None:
            # A refund's money is ours alone to move, so another merchant's refund is a stranger's.
            if notice.refund.merchant_id != merchant_id:
                return False
            order_id = order_id_of_trade(notice.refund.out_trade_no)
            return await self._refunding.told(order_id, notice.refund) is not None
        return True

    async def _report_stranger(self, notice: StoredNotice) -> None:
        """A genuine notice about something that is not in our books belongs on somebody's list."""
        about = notice.payment.out_trade_no if notice.payment else ""
        about = notice.refund.out_refund_no if notice.refund else about
        difference = Difference(f"stranger:{about}", "notice_unexpected", None, {}, {"number": about})
        await self._orders.add_difference(difference, None)
        log.error("notice_about_stranger", extra={"number": about, "channel": notice.channel})


def _stored(channel: str, notice: Notice, state: str) -> StoredNotice:
    return StoredNotice(
        f"{channel}:{notice.id}",
        channel,
        notice.kind,
        notice.event_type,
        state,
        notice.payment,
        notice.refund,
    )
