"""Tells people about their records: who asks to read, who has read in an emergency, what was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from backend.directory.models import Organization, Practitioner
from backend.messages.models import Letter, MessageKind
from backend.messages.service import MessageService
from backend.messages.tellers import long_time, short_time
from backend.worker.events import Event


class Names(Protocol):
    """What this teller needs of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""


class Places(Protocol):
    """What this teller needs of the directory."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """An institution, or None."""

    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None:
        """A practitioner, or None."""


class RecordTeller:
    """Puts into words what happens around records; the person is told, and whoever acts for him."""

    def __init__(
        self,
        messages: MessageService,
        names: Names,
        places: Places,
        *,
        guardians_of: Callable[[str], Awaitable[list[str]]],
    ) -> None:
        self._messages = messages
        self._names = names
        self._places = places
        self._guardians_of = guardians_of

    async def on_consent_asked(self, event: Event) -> None:
        """CONSENT_ASKED: a hospital wants to read."""
        await self._tell(event, MessageKind.RECORD_CONSENT_ASKED)

    async def on_consent_granted(self, event: Event) -> None:
        """CONSENT_GRANTED: in the app it has just been seen; by SMS somebody else may hold the phone."""
        if event.data.get("via") == "sms_code":
            await self._tell(event, MessageKind.RECORD_CONSENT_GIVEN)

    async def on_contract_stated(self, event: Event) -> None:
        """CARE_CONTRACT_STATED: a hospital says that the person has signed."""
        await self._tell(event, MessageKind.RECORD_CONTRACT)

    async def on_glass_broken(self, event: Event) -> None:
        """RECORD_GLASS_BROKEN: at once, and to everybody who looks after the person."""
        await self._tell(event, MessageKind.RECORD_GLASS_BROKEN)

    async def on_question_answered(self, event: Event) -> None:
        """RECORD_QUESTION_ANSWERED: whoever asked reads the answer in the app."""
        await self._tell(event, MessageKind.RECORD_ANSWERED, only=event.data["asked_by"])

    async def on_correction_answered(self, event: Event) -> None:
        """RECORD_CORRECTION_ANSWERED: whoever has said what is wrong reads in the app what came of it."""
        await self._tell(event, MessageKind.RECORD_CORRECTED, only=event.data["asked_by"])

    async def _tell(self, event: Event, kind: MessageKind, only: str = "") -> None:
        person_id = event.data["person_id"]
        organization_id = event.data.get("organization_id")
        facts = {
            "patient": (await self._names.names([person_id])).get(person_id, "就诊人"),
            "organization": await self._organization(organization_id),
            "when": long_time(event.at),
            "time": short_time(event.at),
            **await self._doctor(event.data.get("practitioner_id", "")),
        }
        recipients = [only] if only else [person_id, *await self._guardians_of(person_id)]
        letters = (
            Letter(event.id, event.at, recipient, kind, facts, None, organization_id)
            for recipient in dict.fromkeys(recipients)
        )
        await self._messages.tell(*letters)

    async def _organization(self, organization_id: str | None) -> str:
        found = await self._places.find_organization(organization_id) if organization_id else None
        return found.name if found else "医疗机构"

    async def _doctor(self, practitioner_id: str) -> dict[str, str]:
        found = await self._places.find_practitioner(practitioner_id) if practitioner_id else None
        named = f"{found.name} {found.title}".strip() if found else ""
        return {"doctor": named, "doctor_sms": named.replace(" ", "")}
