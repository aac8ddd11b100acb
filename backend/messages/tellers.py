"""Puts into words what happened to a person's code and family: events of areas that do not know messages.

Appointments are told by their own area, which alone knows them (`appointments/telling.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from typing import Protocol

from backend import clock
from backend.directory.models import Organization
from backend.messages.models import Letter, MessageKind
from backend.messages.service import MessageService
from backend.worker.events import Event

_WEEKDAYS = "一二三四五六日"


class Names(Protocol):
    """What tellers need of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""


class Places(Protocol):
    """What tellers need of the directory."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """An institution, or None."""


class CodeAndFamilyTeller:
    """Tells of uses of a health code, of who may act for whom, and of a phone that was given up."""

    def __init__(
        self,
        messages: MessageService,
        names: Names,
        places: Places,
        *,
        guardians_of: Callable[[str], Awaitable[list[str]]],
        step_name: Callable[[str], str],
    ) -> None:
        self._messages = messages
        self._names = names
        self._places = places
        self._guardians_of = guardians_of
        self._step_name = step_name

    async def on_code_used(self, event: Event) -> None:
        """CODE_USED: the person sees every use of the code, and so does whoever acts for him."""
        patient_id = event.data["patient_id"]
        organization_id = event.data["organization_id"]
        organization = await self._places.find_organization(organization_id)
        warning = (
            "该码在短时间内重复出示，如非本人使用请停用该码" if event.data.get("flagged") == "yes" else ""
        )
        facts = {
            "patient": await self._name(patient_id),
            "organization": organization.name if organization else "医疗机构",
            "step": self._step_name(event.data["step"]),
            "when": long_time(event.at),
            "time": short_time(event.at),
            "warning": warning,
            "warning_or": "疑似重复使用，请核对" if warning else "如非本人使用请及时停用",
        }
        recipients = dict.fromkeys([patient_id, *await self._guardians_of(patient_id)])
        await self._messages.tell(
            *(
                Letter(event.id, event.at, recipient, MessageKind.CODE_USED, facts, None, organization_id)
                for recipient in recipients
            )
        )

    async def on_phone_released(self, event: Event) -> None:
        """PHONE_RELEASED: whose phone it was is told by WeChat; the phone itself is somebody else's now."""
        facts = {"when": long_time(event.at), "time": short_time(event.at)}
        letter = Letter(event.id, event.at, event.data["resident_id"], MessageKind.PHONE_RELEASED, facts)
        await self._messages.tell(letter)

    async def on_patient_link_requested(self, event: Event) -> None:
        """PATIENT_LINK_REQUESTED: the patient is asked."""
        await self._tell_family(event, MessageKind.PATIENT_LINK_REQUESTED, "patient_id")

    async def on_patient_linked(self, event: Event) -> None:
        """PATIENT_LINKED: the guardian may begin; who has agreed by SMS is told there how to end it."""
        await self._tell_family(event, MessageKind.PATIENT_LINKED, "guardian_id")
        if "by" in event.data:
            await self._tell_family(event, MessageKind.CONSENT_GIVEN, "patient_id")

    async def on_patient_unlinked(self, event: Event) -> None:
        """PATIENT_UNLINKED: both know that it is over."""
        await self._tell_family(event, MessageKind.PATIENT_UNLINKED, "guardian_id", "patient_id")

    async def _tell_family(self, event: Event, kind: MessageKind, *roles: str) -> None:
        facts = {
            "patient": await self._name(event.data["patient_id"]),
            "guardian": await self._name(event.data["guardian_id"]),
        }
        letters = (Letter(event.id, event.at, event.data[role], kind, facts) for role in roles)
        await self._messages.tell(*letters)

    async def _name(self, person_id: str) -> str:
        return (await self._names.names([person_id])).get(person_id, "就诊人")


def long_time(at: datetime) -> str:
    """2026年1月5日（周一）09:30, in the city's time."""
    local = at.astimezone(clock.CITY_ZONE)
    weekday = _WEEKDAYS[local.weekday()]
    return f"{local.year}年{local.month}月{local.day}日（周{weekday}）{local:%H:%M}"


def long_day(on: date) -> str:
    """2026年1月5日（周一）."""
    return f"{short_day(on)}（周{_WEEKDAYS[on.weekday()]}）"


def short_day(on: date) -> str:
    """2026年1月5日."""
    return f"{on.year}年{on.month}月{on.day}日"


def short_time(at: datetime) -> str:
    """2026年1月5日 09:30, the form of WeChat's time fields."""
    local = at.astimezone(clock.CITY_ZONE)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def yuan(fen: int) -> str:
    """15.00元."""
    return f"{fen // 100}.{fen % 100:02d}元"
