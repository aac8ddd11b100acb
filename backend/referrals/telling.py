"""Tells people of referrals: the patient of his journey, the desks of what waits, the sender of the answer.

What is told is decided by the event, and told only while it still is so: nobody is called to what has been
answered meanwhile, and nobody is told to travel to what has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from backend import clock
from backend.directory.models import Department, Organization
from backend.messages.models import Letter, MessageKind
from backend.messages.tellers import long_time, short_time
from backend.referrals.desks import CITY, Desk
from backend.referrals.family import Family
from backend.referrals.machine import THERE, Part, ReferralEvent, ReferralState
from backend.referrals.models import Level, Referral
from backend.referrals.store import ReferralStore
from backend.referrals.words import REJECT_REASONS, STATES, URGENCIES
from backend.worker.events import Event, RetryLater

# So long an emergency may take to find the next that is nearest.
GOES_ON_WITHIN = timedelta(seconds=30)
BRING = "身份证、医保卡、转诊单和以往检查资料"
_E, _S = ReferralEvent, ReferralState
_TO_PATIENT = {
    _E.ACCEPT: MessageKind.REFERRAL,
    _E.REBOOK: MessageKind.REFERRAL_MOVED,
    _E.REJECT: MessageKind.REFERRAL_OFF,
    _E.LAPSE: MessageKind.REFERRAL_OFF,
    _E.MISS: MessageKind.REFERRAL_MISSED,
}
# In which state it is still true.
_STILL = {
    MessageKind.REFERRAL: frozenset({_S.ACCEPTED, _S.IN_TRANSIT}),
    MessageKind.REFERRAL_MOVED: frozenset({_S.ACCEPTED, _S.IN_TRANSIT}),
    MessageKind.REFERRAL_OFF: frozenset({_S.REJECTED, _S.LAPSED, _S.WITHDRAWN}),
    MessageKind.REFERRAL_MISSED: frozenset({_S.NOT_ARRIVED}),
}
# The sender hears of these.
_TO_SENDER = frozenset(
    {_E.ASK_MORE, _E.ACCEPT, _E.REJECT, _E.REBOOK, _E.ARRIVE, _E.COMPLETE, _E.LAPSE, _E.MISS}
)
# The receiver's desk hears of these at once, however the hours go.
_TO_DESK = {
    _E.SEND: "请尽快答复",
    _E.SUPPLEMENT: "资料已补充，请答复",
    _E.DEPART: "患者已出发，请准备接诊",
    _E.WITHDRAW: "已撤回，不必再准备",
    _E.WISH: "患者希望改时间，请联系",
    _E.IDENTIFY: "患者身份已登记，请核对",
}
_CALLED = {
    Level.DESK: "已等待较久，请立即答复",
    Level.OPERATORS: "值班人员没有答复，请立即处理",
    Level.CITY: "接收机构没有答复，请立即协调",
}
_REMINDED = {
    Level.DESK: "患者已到达多日，请登记诊治结果",
    Level.OPERATORS: "一直没有登记诊治结果，请处理，否则到期自动结束",
}


class Messages(Protocol):
    """The messages' service."""

    async def tell(self, *letters: Letter) -> None: ...
    async def tell_phone(
        self, key: str, phone: str, kind: MessageKind, facts: Mapping[str, str], organization_id: str
    ) -> None: ...


class Places(Protocol):
    """What telling needs of the directory."""

    async def find_organization(self, organization_id: str) -> Organization | None: ...
    async def find_department(self, department_id: str) -> Department | None: ...


class ReferralTeller:
    """Subscribed to REFERRAL_CHANGED; may be told twice."""

    def __init__(
        self,
        store: ReferralStore,
        messages: Messages,
        family: Family,
        places: Places,
    ) -> None:
        self._store = store
        self._messages = messages
        self._family = family
        self._places = places

    async def on_changed(self, event: Event) -> None:
        """REFERRAL_CHANGED."""
        referral = await self._store.find(event.data["referral_id"])
        if referral is None or not (referral.person_id or referral.is_unidentified):
            return
        what = ReferralEvent(event.data["event"])
        await self._tell_sender(event, what, referral)
        await self._tell_desk(event, what, referral)
        if referral.person_id:
            await self._tell_patient(event, what, referral)

    async def _tell_patient(self, event: Event, what: ReferralEvent, referral: Referral) -> None:
        kind = _TO_PATIENT.get(what)
        if what is _E.WITHDRAW and referral.accepted_at and _withdrawn_by(referral) is Part.SENDER:
            # He was told to come, and is not expected any more.
            kind = MessageKind.REFERRAL_OFF
        if kind is not MessageKind.REFERRAL_OFF and referral.place is not None and referral.place.lost:
            # The clinic was stopped since: he hears of the hour that he is given instead.
            return
        if kind is None or referral.state not in _STILL[kind]:
            return
        if kind is MessageKind.REFERRAL_OFF and referral.nearest:
            # It goes on to the next by itself; the patient hears when one has taken him, or when nobody does.
            if referral.followed_by:
                return
            if clock.now() - event.at < GOES_ON_WITHIN:
                raise RetryLater(GOES_ON_WITHIN.total_seconds())
        person_id = referral.person_id
        facts = {
            "patient": await self._family.called(person_id),
            **await self._journey(referral),
            **await self._meeting(referral),
            "state": _why(referral),
        }
        people = await self._family.people(person_id)
        to = referral.to_organization_id
        await self._messages.tell(
            *(Letter(event.id, event.at, each, kind, facts, None, to) for each in people)
        )

    async def _tell_sender(self, event: Event, what: ReferralEvent, referral: Referral) -> None:
        left = what is _E.WITHDRAW and _withdrawn_by(referral) is Part.RESIDENT
        reminded = what is _E.ESCALATE and referral.state is _S.RETURNED
        still_so = event.data["state"] == referral.state
        if not still_so or not (what in _TO_SENDER or reminded or left):
            return
        # Who has left no telephone, and whoever is sent home by the receiver: his institution's desk.
        desk = await self._store.find_desk(referral.from_organization_id) if not referral.from_phone else None
        phone = referral.from_phone or (_phone(desk, Level.DESK) if desk else "")
        if not phone:
            return
        facts = {
            **await self._journey(referral),
            "item": URGENCIES[referral.urgency],
            "state": _why(referral),
        }
        await self._messages.tell_phone(
            f"{event.id}:sender",
            phone,
            MessageKind.REFERRAL_ANSWERED,
            facts,
            referral.from_organization_id,
        )

    async def _tell_desk(self, event: Event, what: ReferralEvent, referral: Referral) -> None:
        called = what is _E.ESCALATE and referral.state in {_S.REQUESTED, *THERE}
        said = _REMINDED if referral.state in THERE else _CALLED
        words = said.get(referral.level) if called else _TO_DESK.get(what)
        whose = CITY if called and referral.level is Level.CITY else referral.to_organization_id
        desk = await self._store.find_desk(whose) if words else None
        if words is None or desk is None or (what is _E.SEND and referral.state is not _S.REQUESTED):
            return
        if what is _E.IDENTIFY and not referral.is_open:
            return
        phone = _phone(desk, referral.level if called else Level.DESK)
        if not phone:
            return
        facts = {**await self._journey(referral), "item": URGENCIES[referral.urgency], "state": words}
        await self._messages.tell_phone(
            f"{event.id}:desk", phone, MessageKind.REFERRAL_DUTY, facts, referral.to_organization_id
        )

    async def _journey(self, referral: Referral) -> dict[str, str]:
        by = await self._places.find_organization(referral.from_organization_id)
        to = await self._places.find_organization(referral.to_organization_id)
        department_id = referral.place.department_id if referral.place else referral.to_department_id
        department = await self._places.find_department(department_id) if department_id else None
        return {
            "organization": by.name if by else "医疗机构",
            "to": (to.name if to else "医疗机构") + (department.name if department else ""),
        }

    async def _meeting(self, referral: Referral) -> dict[str, str]:
        place = referral.place
        if place is None:
            return {"when": "", "time": "", "place": "", "place_sms": "", "bring": BRING}
        department = await self._places.find_department(place.department_id) if place.department_id else None
        where = place.bed or (department.place if department else "")
        return {
            "when": long_time(place.expected_at),
            "time": short_time(place.expected_at),
            "place": where,
            "place_sms": f"，地点{where}" if where else "",
            "bring": place.bring or BRING,
        }


def _phone(desk: Desk, level: Level) -> str:
    """Where there is only one of the two, it is called for both."""
    duty, operators = desk.duty_phone, desk.operators_phone
    return operators or duty if level is Level.OPERATORS else duty or operators


def _withdrawn_by(referral: Referral) -> Part | None:
    return next((step.part for step in reversed(referral.history) if step.event is _E.WITHDRAW), None)


def _why(referral: Referral) -> str:
    """How it stands, and a coded reason; never what somebody typed."""
    state = STATES[referral.state]
    if referral.state is _S.REJECTED and referral.reject_reason is not None:
        return f"{state}（{REJECT_REASONS[referral.reject_reason]}）"
    return state
