"""How the exchange's parts are put together; the composition root calls this."""

from __future__ import annotations

from dataclasses import dataclass

from backend.db.client import Database
from backend.exchange.v2.identity import Identity
from backend.exchange.v2.ports import Charts, Records
from backend.exchange.v2.processing import Processing
from backend.exchange.v2.receiving import Receiver
from backend.exchange.v2.sender_store import SenderStore
from backend.exchange.v2.store import MessageStore
from backend.exchange.v2.table_store import TableStore
from backend.security.fields import FieldCipher
from backend.settings import Settings, days


@dataclass(frozen=True)
class Exchange:
    """HL7 v2: what the mllp process and the console reach."""

    receiver: Receiver
    senders: SenderStore


def make_exchange(
    settings: Settings, db: Database, *, cipher: FieldCipher, charts: Charts, records: Records
) -> Exchange:
    """The parts."""
    senders = SenderStore(db)
    store = MessageStore(db, cipher, days(settings.keep_hl7_messages_days))
    processing = Processing(charts, records, TableStore(db))
    receiver = Receiver(
        store,
        Identity(senders, settings.mllp_open_to),
        processing,
        training=not settings.is_production,
    )
    return Exchange(receiver, senders)
