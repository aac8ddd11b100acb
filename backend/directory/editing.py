"""What staff may correct in the directory by hand: how to reach a place, and what a doctor does.

Names, codes and who belongs where come from the hospitals' own systems; a hand's change would be
overwritten by the next publication.
"""

from __future__ import annotations

from dataclasses import replace

from backend.audit.service import AuditService
from backend.directory.models import Department, Organization, Outcome, Practitioner
from backend.directory.service import DirectoryService
from backend.errors import not_found
from backend.permissions import Actor


class DirectoryEditing:
    """Corrections within the actor's scope, on record."""

    def __init__(self, directory: DirectoryService, audit: AuditService) -> None:
        self._directory = directory
        self._audit = audit

    async def edit_organization(
        self, actor: Actor, organization_id: str, *, short_name: str, address: str, district: str, phone: str
    ) -> Organization:
        """How to reach an institution. Raises NOT_FOUND outside the actor's scope."""
        before = await self._directory.get_organization(organization_id)
        _check_scope(actor, before.id)
        after = replace(before, short_name=short_name, address=address, district=district, phone=phone)
        [outcome] = await self._directory.save_organizations([after])
        await self._record(actor, outcome, f"organization/{after.id}", after.id)
        return after

    async def edit_department(self, actor: Actor, department_id: str, *, place: str) -> Department:
        """Where a department is. Raises NOT_FOUND outside the actor's scope."""
        before = await self._directory.get_department(department_id)
        _check_scope(actor, before.organization_id)
        after = replace(before, place=place)
        [outcome] = await self._directory.save_departments([after])
        await self._record(actor, outcome, f"department/{after.id}", after.organization_id)
        return after

    async def edit_practitioner(
        self, actor: Actor, practitioner_id: str, *, title: str, specialty: str, intro: str
    ) -> Practitioner:
        """What a doctor does. Raises NOT_FOUND outside the actor's scope."""
        before = await self._directory.get_practitioner(practitioner_id)
        _check_scope(actor, before.organization_id)
        after = replace(before, title=title, specialty=specialty, intro=intro)
        [outcome] = await self._directory.save_practitioners([after])
        await self._record(actor, outcome, f"practitioner/{after.id}", after.organization_id)
        return after

    async def _record(self, actor: Actor, outcome: Outcome, entry: str, organization_id: str) -> None:
        if outcome is not Outcome.UNCHANGED:
            await self._audit.record(actor, "directory.edit", entry, "correction by hand", organization_id)


def _check_scope(actor: Actor, organization_id: str) -> None:
    if not actor.covers(organization_id):
        raise not_found(f"organization {organization_id}")
