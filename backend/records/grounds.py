"""On what ground a hospital may read a record: consent, then care, then law, then break-glass, or none.

Which of them counts is decided here; the gate makes the basis of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.audit.service import AuditService
from backend.directory.identity import of_hospital, practitioner_id
from backend.directory.models import Practitioner
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.records import law
from backend.records.break_glass import REASONS, BreakGlass, read_reason
from backend.records.care import Care
from backend.records.consent_rules import suffices
from backend.records.consents import Consents
from backend.records.models import BasisKind, Purpose, Sensitivity
from backend.records.sharing_models import NOBODY, Asked, BrokenGlass, CareRelation, Consent
from backend.records.sharing_ports import Directory

_CARED_FOR = frozenset({Purpose.TREAT, Purpose.ETREAT})
# What a hospital may ask for at all; a person's own wish comes through the person's own account.
_ASKABLE = _CARED_FOR | {Purpose.PUBLIC_HEALTH, Purpose.BREAK_GLASS}


@dataclass(frozen=True, slots=True)
class Ground:
    """Why this may be read, and how far it goes."""

    kind: BasisKind
    reference: str
    kinds: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    max_sensitivity: int = Sensitivity.CLINICAL


class Grounds:
    """Looks for the first ground that holds; without one says what ways there are."""

    def __init__(
        self,
        consents: Consents,
        care: Care,
        break_glass: BreakGlass,
        directory: Directory,
        audit: AuditService,
    ) -> None:
        self._consents = consents
        self._care = care
        self._break_glass = break_glass
        self._directory = directory
        self._audit = audit

    async def find(
        self, actor: Actor, organization_id: str, person_id: str, asked: Asked, *, has_chart: bool
    ) -> Ground:
        """The ground. Raises NOT_FOUND where nobody knows of the person, RECORD_ACCESS_DENIED without one.

        Of a consent to part of what is needed and a relationship of care that allows all, care counts.
        """
        if asked.purpose not in _ASKABLE:
            raise await self._denied(actor, organization_id, person_id, asked)
        if not asked.practitioner.strip():
            raise AppError(ErrorCode.PRACTITIONER_UNKNOWN, "nobody is named")
        doctor = await self._doctor(organization_id, asked.practitioner)
        consent = await self._consent(organization_id, person_id, asked, doctor)
        if consent is not None and self._is_enough(consent, asked):
            return of_consent(consent)
        relation = await self._care.holding(person_id, organization_id)
        if relation is not None and asked.purpose in _CARED_FOR:
            return of_care(relation)
        if consent is not None and asked.purpose is not Purpose.BREAK_GLASS:
            return of_consent(consent)
        known = asked.presented or has_chart or relation is not None or consent is not None
        if not known and not await self._consents.has_asked(person_id, organization_id):
            raise not_found("a person known to this organization")
        lawful = await self._lawful(organization_id, asked)
        if lawful is not None:
            return of_law(lawful, clock.now())
        if asked.purpose is Purpose.BREAK_GLASS:
            return of_glass(await self._glass(actor, organization_id, person_id, asked, doctor))
        raise await self._denied(actor, organization_id, person_id, asked)

    # -- one by one ------------------------------------------------------------------------------------

    async def _consent(
        self, organization_id: str, person_id: str, asked: Asked, doctor: Practitioner | None
    ) -> Consent | None:
        # Whoever has left a department reads nothing that was granted to it.
        departments = frozenset(doctor.department_ids) if doctor and doctor.active else frozenset[str]()
        # Whoever breaks the glass treats: a consent to treatment saves him the breaking.
        purpose = Purpose.ETREAT if asked.purpose is Purpose.BREAK_GLASS else asked.purpose
        return await self._consents.holding(person_id, organization_id, departments, purpose)

    def _is_enough(self, consent: Consent, asked: Asked) -> bool:
        if asked.purpose is Purpose.BREAK_GLASS and not consent.terms.sensitive:
            return False
        return suffices(consent.terms, asked.kinds)

    async def _lawful(self, organization_id: str, asked: Asked) -> law.Rule | None:
        organization = await self._directory.find_organization(organization_id)
        if organization is None:
            return None
        return law.applying(asked.purpose, asked.reason, organization.kind)

    async def _glass(
        self, actor: Actor, organization_id: str, person_id: str, asked: Asked, doctor: Practitioner | None
    ) -> BrokenGlass:
        if doctor is None or not doctor.active:
            raise AppError(ErrorCode.PRACTITIONER_UNKNOWN, "the glass is broken by a named practitioner only")
        if person_id == NOBODY:
            read_reason(asked.reason)
            await self._denied(actor, organization_id, person_id, asked)
            raise not_found("a person to break the glass for")
        return await self._break_glass.open(actor, person_id, organization_id, doctor, asked.reason)

    async def _doctor(self, organization_id: str, external_id: str) -> Practitioner | None:
        external = of_hospital(external_id.strip())
        return await self._directory.find_practitioner(practitioner_id(organization_id, external))

    async def _denied(self, actor: Actor, organization_id: str, person_id: str, asked: Asked) -> AppError:
        data = {"purpose": str(asked.purpose), "practitioner": asked.practitioner}
        await self._audit.record(
            actor, "records.denied", f"person/{person_id}", "none", organization_id, data
        )
        return AppError(ErrorCode.RECORD_ACCESS_DENIED, "no ground", data={"ways": ways_for(asked.purpose)})


def ways_for(purpose: Purpose) -> list[dict[str, Any]]:
    """What somebody without a ground can do."""
    if purpose is Purpose.PUBLIC_HEALTH:
        named = {rule.code: rule.title for rule in law.rules().values()}
        return [{"way": "law", "how": "name the rule as the reason (X-Reason)", "rules": named}]
    return [
        {"way": "consent", "how": "POST /hospital/v1/consents, or the person grants it in the app"},
        {"way": "care", "how": "an appointment, a health code shown, or an encounter at this hospital"},
        {
            "way": "break_glass",
            "how": "purpose BTG with a named practitioner and a reason: a code and words",
            "reasons": REASONS,
        },
    ]


def of_consent(consent: Consent) -> Ground:
    """As far as the person has allowed it."""
    terms = consent.terms
    return Ground(
        BasisKind.CONSENT,
        consent.id,
        terms.kinds,
        clock.city_instant(terms.since, 0) if terms.since else None,
        clock.city_instant(terms.until + timedelta(days=1), 0) if terms.until else None,
        Sensitivity.SPECIAL if terms.sensitive else Sensitivity.CLINICAL,
    )


def of_care(relation: CareRelation) -> Ground:
    """Whoever treats reads everything but what is especially sensitive."""
    return Ground(BasisKind.CARE, relation.id)


def of_law(rule: law.Rule, now: datetime) -> Ground:
    """What the duty needs."""
    return Ground(BasisKind.LAW, rule.code, rule.kinds, now - rule.reaches)


def of_glass(glass: BrokenGlass) -> Ground:
    """Everything, as long as the glass is open."""
    return Ground(BasisKind.BREAK_GLASS, glass.id, max_sensitivity=Sensitivity.SPECIAL)
