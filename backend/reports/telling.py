"""Tells people that a report is ready: that there is one and where, never of what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from backend.messages.models import Letter, MessageKind
from backend.messages.service import MessageService
from backend.messages.tellers import short_time
from backend.reports.ports import People, Places
from backend.worker.events import Event


class Names(Protocol):
    """What the teller needs of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id; whoever is no resident is missing."""


class ReportTeller:
    """Answers REPORT_ISSUED, which comes once for each report."""

    def __init__(
        self,
        messages: MessageService,
        people: People,
        names: Names,
        places: Places,
        *,
        app_name: str,
        guardians_of: Callable[[str], Awaitable[list[str]]],
    ) -> None:
        self._messages = messages
        self._people = people
        self._names = names
        self._places = places
        self._app_name = app_name
        self._guardians_of = guardians_of

    async def on_report_issued(self, event: Event) -> None:
        """REPORT_ISSUED: the person is told, and so are a child's guardians."""
        person_id = await self._people.person_of(event.data["chart_id"])
        organization_id = event.data["organization_id"]
        name = (await self._names.names([person_id])).get(person_id)
        if name is None:
            # Known to one hospital only, by its own number: there is nobody to tell.
            return
        organization = await self._places.find_organization(organization_id)
        facts = {
            "patient": name,
            "organization": organization.name if organization else "医院",
            "item": self._app_name,
            "time": short_time(event.at),
        }
        recipients = dict.fromkeys([person_id, *await self._guardians_of(person_id)])
        await self._messages.tell(
            *(
                Letter(event.id, event.at, each, MessageKind.REPORT_READY, facts, None, organization_id)
                for each in recipients
            )
        )
