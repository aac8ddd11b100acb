"""What WeChat says became of the official account's template messages, pushed to the account's callback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backend import clock
from backend.db.client import Database
from backend.messages.documents import COLLECTION, Documents, due_event, report_changes
from backend.messages.models import DeliveryState, Message, MessageChannel
from backend.messages.receipt_store import ReceiptStore, StoredReport
from backend.security.fields import BlindIndex, FieldCipher
from notify.ports import DeliveryReport


class NoticeStore:
    """Template messages in the collection `messages`, and what was said of them before they were found."""

    def __init__(
        self, db: Database, cipher: FieldCipher, receipts: ReceiptStore, blind: BlindIndex, provider: str
    ) -> None:
        self._messages = db.collection(COLLECTION)
        self._documents = Documents(cipher)
        self._receipts = receipts
        self._blind = blind
        self._provider = provider

    async def keep(self, report: DeliveryReport) -> None:
        """Keep what is said of a message, known or not yet."""
        await self._receipts.add_notice_report(self._provider, report)

    async def kept(self, provider_id: str, openid: str) -> StoredReport | None:
        """What was said of a message to somebody."""
        return await self._receipts.find_report(provider_id, self._blind.of("openid", openid))

    async def find(self, provider_id: str) -> Message | None:
        """The message that WeChat calls so."""
        number = {"deliveries.wechat.provider_id": provider_id, "deliveries.wechat.provider": self._provider}
        doc = await self._messages.find_one(number)
        return self._documents.from_doc(doc) if doc else None

    async def report(
        self, message: Message, provider_id: str, *, delivered: bool, code: str, at: datetime
    ) -> bool:
        """Write down what became of a message; False when that was known.

        A failure lets the SMS that waits for WeChat's sake go at once.
        """
        target, changes = report_changes(
            provider_id, delivered=delivered, code=code, at=at, channel=MessageChannel.WECHAT
        )
        sms = message.delivery(MessageChannel.SMS)
        if not delivered and sms is not None and sms.state is DeliveryState.DUE:
            changes["$set"]["events_due"] = True
            changes["$push"] = {"events": due_event(message, MessageChannel.SMS).to_doc()}
        which = {"recipient_id": message.recipient_id, "_id": message.id}
        return (await self._messages.update_one(which | target, changes)).modified_count == 1


class NoticeReports:
    """Takes what WeChat says."""

    def __init__(self, notices: NoticeStore, nudge: Callable[[], None]) -> None:
        self._notices = notices
        self._nudge = nudge

    async def take(self, report: DeliveryReport) -> None:
        """What became of a template message; told again, it changes nothing."""
        # Kept first: it may be quicker than our writing down what WeChat calls the message.
        await self._notices.keep(report)
        message = await self._notices.find(report.provider_id)
        if message is not None and await self._notices.report(
            message,
            report.provider_id,
            delivered=report.delivered,
            code=report.code,
            at=report.at or clock.now(),
        ):
            self._nudge()
