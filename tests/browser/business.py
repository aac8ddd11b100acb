"""A normal day of the hospitals, for the console: sold and kept numbers, money back, things gone wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from backend import clock
from backend.billing.models import Difference, RefundProgress
from backend.billing.store import OrderStore
from backend.directory.models import Organization
from backend.permissions import SYSTEM
from backend.statistics.models import Measure
from tests.browser.life import Life, day, live
from tests.browser.town import Town
from tests.factories.city import make_booking, make_patient
from tests.factories.orders import make_order

CHANNELS = ("wechat", "wechat", "h5", "window", "wechat", "kiosk", "h5", "referral")
SOLD = 34
# How many of each a day had, before today.
USUAL = {
    Measure.BOOKED: 80, Measure.CANCELLED: 9, Measure.STOPPED: 2, Measure.PAID: 55, Measure.REFUNDED: 8,
    Measure.CODE_USED: 120, Measure.MESSAGE: 150,
}  # fmt: skip
FEE_FEN = {Measure.PAID: 2_500, Measure.REFUNDED: 2_500}


@dataclass
class Business:
    """What the console's pages are opened with."""

    life: Life
    sold: str
    failed_refund: str
    message: str


async def trade(town: Town) -> Business:
    """Let a day go by at the counters."""
    services = town.city.city.services
    await a_fortnight(town)
    life = await live(town)
    claims = []
    for number in range(SOLD):
        schedule = day(town, 1)[(0, 1, 2, 2, 3)[number % 5]]
        patient = await make_patient(services, number, f"1360000{number:04d}")
        channel = CHANNELS[number % len(CHANNELS)]
        claims.append(await make_booking(services, schedule, patient, channel=channel, hold=number % 11 == 5))
    await make_order(services, claims[0], 3_000)
    failed = await make_order(services, claims[1], 2_000, refund=RefundProgress.FAILED)
    bank = Difference("payment:1", "payment_mismatch", failed.id, {"amount_fen": 2000}, {"amount_fen": 1900})
    await OrderStore(services.db).add_difference(bank, failed.organization_id)
    await services.desk.cancel(SYSTEM, claims[2].id, "就诊人来电取消")
    await services.outbox.drain()
    message = await fail_a_message(town, life.booked)
    return Business(life, claims[0].id, f"R{claims[1].id}", message)


async def a_fortnight(town: Town) -> None:
    """Figures of the days before: the counters as events have left them."""
    dice = random.Random(20261122)
    places = [town.hospital, *await other_places(town)]
    docs = []
    for back in range(1, 14):
        on = (clock.today() - timedelta(days=back)).isoformat()
        for size, place in enumerate(places, start=1):
            for measure, usual in USUAL.items():
                for channel in sorted(set(CHANNELS)) if measure is Measure.BOOKED else [""]:
                    parts = CHANNELS.count(channel) / len(CHANNELS) if channel else 1
                    count = round(usual * parts / size * dice.uniform(0.7, 1.3))
                    key = {
                        "on": on,
                        "organization_id": place.id,
                        "measure": measure.value,
                        "channel": channel,
                    }
                    fen = count * FEE_FEN.get(measure, 0)
                    docs.append({"_id": "|".join(key.values()), **key, "count": count, "fen": fen})
    await town.city.city.db.collection("statistics_days").insert_many(docs)


async def other_places(town: Town) -> list[Organization]:
    """Two hospitals more."""
    found, _ = await town.city.city.services.directory.list_organizations(limit=5)
    return [one for one in found if one.id != town.hospital.id][:2]


async def fail_a_message(town: Town, appointment_id: str) -> str:
    """The provider has refused the SMS of an appointment's message; the message's id."""
    messages = town.city.city.services.messages
    [message, *_], _ = await messages.list_messages(SYSTEM, appointment_id=appointment_id)
    refused = {"deliveries.sms.state": "failed", "deliveries.sms.last_error": "RejectedError IllegalMobile"}
    await town.city.city.db.collection("messages").update_one({"_id": message.id}, {"$set": refused})
    return str(message.id)
