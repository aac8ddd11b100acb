"""What the demo's residents have booked, paid and cancelled, and who waits to talk with a person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import httpx

from backend import clock
from backend.bootstrap import City
from backend.conversations.models import Through
from backend.directory.models import TerminalKind
from backend.permissions import Actor, Role
from backend.seed.accounts import LEAD, demo_client_id
from backend.seed.clinics import sessions_on
from backend.seed.directory import DemoDirectory
from backend.slotpool.schedules_models import Schedule
from backend.statistics.facts import ARRIVAL_STEP
from bots.engine import Heard
from payment.ports import PaymentMethod

# So many cancel, and so many have their code scanned at the first hospital.
_CANCELLING, _SCANNED = 5, 8
_TALKS = (
    ("我上周做的胃镜报告什么时候能出来？", "人工"),
    ("老人走不动，能不能请家里人代取药", "转人工"),
    ("挂错科室了想换一个", "人工客服"),
)


async def seed_visits(
    city: City, sandbox_url: str, directory: DemoDirectory, residents: Sequence[Actor], days: Sequence[date]
) -> int:
    """In clinics of `days`; how many appointments are new: none, when the first resident has one."""
    appointments = city.services.appointments
    known, _ = await appointments.list_mine(residents[0], upcoming=None, cursor=None, limit=1)
    if known:
        return 0
    paying = bool(city.settings.wechat_pay_mch_id)
    wanted = zip([*residents, *residents], _sessions(directory, days, paying=paying), strict=False)
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=10, trust_env=False) as sandbox:
        booked = await asyncio.gather(*(_book(city, sandbox, *one) for one in wanted))
    for actor, claim_id in booked[-_CANCELLING:]:
        await appointments.cancel(actor, claim_id, "临时有事，改天再约")
    for actor in residents[:_SCANNED]:
        await _scanned(city, directory.organizations[0].id, actor)
    return len(booked)


async def seed_talks(city: City, phones: Sequence[str]) -> int:
    """Some have written to the city's number and wait for a person; how many are new."""
    bots, made = city.services.bots, 0
    for number, (phone, said) in enumerate(zip(phones, _TALKS, strict=False)):
        heard = [Heard(Through.SMS, phone, f"demo-{number}-{turn}", text) for turn, text in enumerate(said)]
        if await bots.conversations.has_heard(Through.SMS, phone, heard[0].id):
            continue
        for one in heard:
            await bots.engine.hear(one)
        made += 1
    return made


def _sessions(directory: DemoDirectory, days: Sequence[date], *, paying: bool) -> Iterator[Schedule]:
    """For one person after another a general clinic of the next days: in one department or the next."""
    units = [unit for unit in directory.units if paying or not unit.general_fee_fen]
    units.sort(key=lambda unit: unit.hospital.key != LEAD)
    soon = clock.now() + timedelta(hours=1)
    for number, unit in enumerate(units):
        coming = (
            session
            for on in days[number // 3 % 3 :]
            for session in sessions_on((unit,), on)
            if session.kind == "general" and session.slots[-1].start_at > soon
        )
        yield from [session for session in [next(coming, None)] if session]


async def _book(city: City, sandbox: httpx.AsyncClient, actor: Actor, session: Schedule) -> tuple[Actor, str]:
    appointments = city.services.appointments
    view = await appointments.book(actor, session.id, None, actor.id, None)
    if session.fee_fen:
        await _pay(city, sandbox, actor, view.claim.id)
    return actor, view.claim.id


async def _pay(city: City, sandbox: httpx.AsyncClient, actor: Actor, claim_id: str) -> None:
    """At the sandbox's cashier, which tells nobody: the city asks by itself."""
    appointments = city.services.appointments
    started = await appointments.start_payment(actor, claim_id, PaymentMethod.WECHAT_NATIVE)
    answer = await sandbox.post(f"/control/orders/{started.attempt.out_trade_no}/pay", json={"notify": False})
    answer.raise_for_status()
    await appointments.refresh_payment(actor, claim_id)


async def _scanned(city: City, organization_id: str, actor: Actor) -> None:
    codes, window = city.services.healthcodes, str(TerminalKind.WINDOW)
    code = await codes.make_dynamic(actor, actor.id)
    terminal = Actor(
        "terminal", demo_client_id(organization_id, window), Role.TERMINAL, frozenset({organization_id})
    )
    await codes.verification.verify(terminal, code.text, ARRIVAL_STEP)
