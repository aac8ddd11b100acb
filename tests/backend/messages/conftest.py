"""Messages on the test database with providers in memory, and a whole city with its sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from backend import clock
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.ids import new_id
from backend.messages.lines import SMSLine
from backend.messages.models import Letter, Message, MessageChannel, MessageKind
from backend.messages.service import MessageService
from backend.permissions import Actor, Role
from backend.residents.models import Contact
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.worker.events import Bus, Event, EventKind, RetryLater
from backend.worker.outbox import Outbox
from tests.notify.memory import MemoryMessenger, MemoryNotifier, MemoryOfficialAccount, MemorySMS
from tests.support.city import Surroundings, TestCity, open_test_city

HAPPENED_AT = clock.now()
PHONE, OPENID = "13912345678", "o-mini-1"
TEMPLATES = {
    str(kind): f"template-{kind}"
    for kind in (MessageKind.APPOINTMENT_BOOKED, MessageKind.REFUND_SUCCEEDED, MessageKind.CODE_USED)
}
REFUND = {"item": "预约挂号费", "amount": "15.00元", "when": "2026年1月5日（周一）09:30"}
REFUND |= {"time": "2026年1月5日 09:30", "appointment_id": "A1"}


@dataclass
class People:
    """Contacts by id."""

    contacts: dict[str, Contact] = field(default_factory=dict)

    async def contact(self, resident_id: str) -> Contact:
        return self.contacts.get(resident_id, Contact(resident_id))


@dataclass
class Post:
    """The messages' service and both ends of it."""

    service: MessageService
    sms: MemorySMS
    wechat: MemoryMessenger
    official: MemoryOfficialAccount
    notifier: MemoryNotifier
    people: People
    db: Database
    outbox: Outbox

    def resident(
        self, *, phone: str | None = PHONE, openid: str | None = OPENID, oa: str | None = None
    ) -> Actor:
        """Somebody who can be reached."""
        actor = Actor(kind="resident", id=new_id(), role=Role.RESIDENT)
        self.people.contacts[actor.id] = Contact(actor.id, phone, openid, oa)
        return actor

    async def tell(
        self, actor: Actor, kind: MessageKind = MessageKind.REFUND_SUCCEEDED, key: str = ""
    ) -> Message:
        """Tell of a refund, which goes by SMS and by WeChat; nothing is sent yet."""
        letter = Letter(
            key or new_id(),
            HAPPENED_AT if key else clock.now(),
            actor.id,
            kind,
            dict(REFUND),
            "A1",
            "hospital-1",
        )
        await self.service.tell(letter)
        return (await self.service.list_mine(actor))[0][0]

    async def due(self, message: Message, channel: MessageChannel = MessageChannel.SMS) -> None:
        """Run the delivery's job once. Raises RetryLater when it wants to run again."""
        data = {"recipient_id": message.recipient_id, "message_id": message.id, "channel": str(channel)}
        await self.service.on_message_due(Event(EventKind.MESSAGE_DUE, data))

    async def due_quietly(self, message: Message, channel: MessageChannel = MessageChannel.SMS) -> None:
        try:
            await self.due(message, channel)
        except RetryLater:
            return

    async def states(self, message: Message) -> dict[str, str]:
        """Where each delivery stands."""
        doc = await self.db.collection("messages").find_one({"_id": message.id})
        assert doc is not None
        return {name: part["state"] for name, part in doc["deliveries"].items()}

    async def let_pass(self, message: Message, by: timedelta) -> None:
        """Let so much time have passed since WeChat took it, and for whatever waits."""
        await self.db.collection("messages").update_one(
            {"_id": message.id}, {"$set": {"deliveries.wechat.sent_at": clock.now() - by}}
        )
        await self.db.collection("outbox").update_many({"state": "due"}, {"$set": {"due_at": clock.now()}})

    async def make_old(self, message: Message, seconds: int, channel: str = "sms") -> None:
        """Let the last try have begun so long ago."""
        await self.db.collection("messages").update_one(
            {"_id": message.id},
            [{"$set": {f"deliveries.{channel}.started_at": {"$subtract": ["$$NOW", seconds * 1000]}}}],
        )


def staff(*organization_ids: str) -> Actor:
    scope = frozenset(organization_ids) if organization_ids else None
    return Actor(kind="staff", id=new_id(), role=Role.CITY_OPERATOR, organization_ids=scope)


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture
async def post(db: Database, keyring: Keyring) -> AsyncIterator[Post]:
    sms, wechat, people = MemorySMS(), MemoryMessenger(), People()
    official, notifier = MemoryOfficialAccount(), MemoryNotifier()
    chain, bus = Chain(keyring), Bus()
    service = MessageService(
        db,
        cipher=FieldCipher(keyring),
        blind=BlindIndex(keyring),
        people=people,
        lines=[SMSLine(sms.name, "mas", sms, "the-secret", texts=sms, tracer=sms, signature="健康城市")],
        messenger=wechat,
        official=official,
        notifier=notifier,
        account_templates={str(MessageKind.REFUND_SUCCEEDED): "account-template"},
        audit=AuditService(AuditStore(db, chain), chain),
        templates=TEMPLATES,
        limits=RateLimiter(keyring),
    )
    outbox = Outbox(db, bus)
    outbox.watch("messages", "message_replies")
    bus.subscribe(EventKind.SMS_REPLY_RECEIVED, "messages.on_sms_reply", service.on_sms_reply)
    bus.subscribe(EventKind.MESSAGE_DUE, "messages.on_message_due", service.on_message_due)
    yield Post(service, sms, wechat, official, notifier, people, db, outbox)
    await service.tallies.close()


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made
