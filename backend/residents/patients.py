"""Whom a resident acts for: up to six patients, each with the right to end it."""

from __future__ import annotations

from dataclasses import replace

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.residents.accounts import Accounts
from backend.residents.id_numbers import IDNumber, age_on
from backend.residents.link_store import PatientLinkStore, Placing
from backend.residents.models import (
    ADULT_AGE,
    MOST_PATIENTS,
    GuardianView,
    LinkBasis,
    LinkState,
    Patient,
    PatientLink,
    PatientView,
    Relation,
    Resident,
    ResidentState,
    Verifier,
    first_state,
    of_age_on,
)
from backend.residents.phones import PhoneError, parse_phone
from backend.residents.register import RealNameCheck, read_identity
from backend.residents.store import ResidentStore
from backend.security.limits import RateLimiter
from backend.worker.events import Event, EventKind

Beginning = tuple[LinkState, LinkBasis]


class PatientService:
    """Adds, lists, accepts and ends links, and answers whether an actor may act for a patient."""

    def __init__(
        self,
        accounts: Accounts,
        residents: ResidentStore,
        links: PatientLinkStore,
        real_names: RealNameCheck,
        limiter: RateLimiter,
        audit: AuditService,
    ) -> None:
        self._accounts = accounts
        self._residents = residents
        self._links = links
        self._real_names = real_names
        self._limiter = limiter
        self._audit = audit

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor may act for him. Anyone else's looks like none.

        A verified resident acting for himself costs no look into the database: his token says it.
        """
        if actor.kind == "system":
            return Patient(patient_id, Relation.SELF, patient_id)
        if actor.kind != "resident":
            raise not_found(f"patient {patient_id}")
        if any(each.id == patient_id for each in await self._household(actor)):
            relation = Relation.SELF if actor.id == patient_id else Relation.OTHER
            return Patient(patient_id, relation, actor.id)
        if actor.id == patient_id:
            if not actor.real_name and not (await self._accounts.access_account(actor)).real_name:
                raise AppError(ErrorCode.REAL_NAME_REQUIRED)
            return Patient(patient_id, Relation.SELF, actor.id)
        link = await self._links.find_link(actor.id, patient_id)
        if link is None:
            raise not_found(f"patient {patient_id}")
        if await self._state_today(link) is not LinkState.ACTIVE:
            raise AppError(ErrorCode.PATIENT_PENDING)
        return Patient(patient_id, link.relation, actor.id, minor=link.of_minor)

    async def list_patients(self, actor: Actor) -> list[PatientView]:
        """The resident himself once verified, then whom he acts for, in the order of their places.

        Without an account, by text message: those whose hospital wrote the number down.
        """
        if household := await self._household(actor):
            return [
                _view(each, Relation.SELF if each.id == actor.id else Relation.OTHER, LinkState.ACTIVE)
                for each in household
            ]
        resident = await self._accounts.access_account(actor)
        links = await self._links.list_of_guardian(resident.id)
        people = await self._residents.find_many({link.patient_id for link in links})
        own = [_view(resident, Relation.SELF, LinkState.ACTIVE)] if resident.real_name else []
        return own + [
            _view(people[link.patient_id], link.relation, await self._state_today(link))
            for link in links
            if link.patient_id in people and people[link.patient_id].name is not None
        ]

    async def add(
        self, actor: Actor, relation: Relation, name: str, id_number: str, phone: str | None
    ) -> PatientView:
        """Act for somebody: a young child at once, everybody else when they agree."""
        guardian = await self._accounts.access_account(actor)
        if not guardian.real_name:
            raise AppError(ErrorCode.REAL_NAME_REQUIRED)
        name, number = read_identity(name, id_number)
        number_of_patient = _read_phone(phone)
        if number.text == guardian.id_number:
            raise AppError(ErrorCode.PATIENT_EXISTS, "oneself")
        if len(await self._links.list_of_guardian(guardian.id)) >= MOST_PATIENTS:
            raise AppError(ErrorCode.PATIENT_LIMIT)
        await self._limiter.take("patient", guardian.id)
        await self._real_names.check(name, number, number_of_patient)
        beginning = await self._beginning(guardian, relation, number)
        patient = await self._accounts.file_of(name, number, Verifier.REGISTER, number_of_patient)
        await self._accounts.correct_name(patient, name)
        link = await self._place(guardian.id, patient.id, relation, number, beginning)
        await self._record(actor, "patient.add", link)
        return PatientView(patient.id, relation, link.state, name, number.text, number.sex, number.birth_on)

    async def add_newborn(self, guardian_id: str, name: str, id_number: str) -> str:
        """The civil registry has given a parent's child an ID number: the parent acts for it from now on.

        Returns the child's id; a parent without an account has nothing to act with. Safe to repeat.
        Raises PATIENT_LIMIT, NAME_INVALID, ID_NUMBER_INVALID; REAL_NAME_MISMATCH for somebody else's number.
        """
        name, number = read_identity(name, id_number)
        child = await self._accounts.file_of(name, number, Verifier.REGISTER)
        if not self._accounts.has_name(child, name):
            raise AppError(ErrorCode.REAL_NAME_MISMATCH)
        guardian = await self._accounts.find(guardian_id)
        if guardian is None or guardian.state is not ResidentState.ACCOUNT or not guardian.real_name:
            return child.id
        if await self._links.find_link(guardian_id, child.id) is None:
            beginning = (LinkState.ACTIVE, LinkBasis.REGISTER)
            link = await self._place(guardian_id, child.id, Relation.CHILD, number, beginning)
            await self._record(SYSTEM, "patient.add", link)
        return child.id

    async def _household(self, actor: Actor) -> list[Resident]:
        """Who may be booked for from a number without an account; nobody for anybody else."""
        if actor.role is not Role.RESIDENT_BY_SMS:
            return []
        speaker = await self._accounts.find(actor.id)
        if speaker is None or speaker.state is not ResidentState.FILE or not speaker.phone:
            return []
        return await self._accounts.files_of_phone(speaker.phone)

    async def remove(self, actor: Actor, patient_id: str) -> None:
        """The resident no longer acts for the patient; effective at once."""
        link = await self._links.find_link(actor.id, patient_id)
        if link is None:
            raise not_found(f"patient {patient_id}")
        await self._end(link, "guardian")
        await self._record(actor, "patient.remove", link)

    async def list_guardians(self, actor: Actor) -> list[GuardianView]:
        """Who acts, or asks to act, for the resident."""
        links = await self._links.list_of_patient(actor.id)
        people = await self._residents.find_many({link.guardian_id for link in links})
        today = clock.today()
        return [
            _guardian(people[link.guardian_id], link, link.state_on(today))
            for link in links
            if link.guardian_id in people
        ]

    async def guardians_of(self, patient_id: str) -> list[str]:
        """Ids of those who act for somebody today."""
        links, today = await self._links.list_of_patient(patient_id), clock.today()
        return [link.guardian_id for link in links if link.state_on(today) is LinkState.ACTIVE]

    async def guardians_of_child(self, patient_id: str) -> list[str]:
        """Ids of a child's guardians today; of an adult nobody's."""
        links, today = await self._links.list_of_patient(patient_id), clock.today()
        return [
            link.guardian_id for link in links if link.of_minor and link.state_on(today) is LinkState.ACTIVE
        ]

    async def patients_of(self, guardian_id: str) -> list[str]:
        """Ids of those somebody acts for today."""
        links, today = await self._links.list_of_guardian(guardian_id), clock.today()
        return [link.patient_id for link in links if link.state_on(today) is LinkState.ACTIVE]

    async def accept(self, actor: Actor, link_id: str) -> GuardianView:
        """The patient agrees that somebody acts for him; a second time changes nothing."""
        link = await self._access_link(actor, link_id)
        if not actor.real_name and not (await self._accounts.access_account(actor)).real_name:
            raise AppError(ErrorCode.REAL_NAME_REQUIRED)
        if link.state_on(clock.today()) is not LinkState.ACTIVE:
            if not await self._links.accept(link, _event(EventKind.PATIENT_LINKED, link)):
                raise not_found(f"link {link_id}")
            await self._record(actor, "patient.accept", replace(link, basis=LinkBasis.ACCEPTED))
        guardian = await self._residents.find(link.guardian_id)
        if guardian is None:
            raise not_found(f"guardian of link {link_id}")
        return _guardian(guardian, link, LinkState.ACTIVE)

    async def refuse(self, actor: Actor, link_id: str) -> None:
        """The patient ends a link, pending or active; effective at once."""
        link = await self._access_link(actor, link_id)
        await self._end(link, "patient")
        await self._record(actor, "patient.refuse", link)

    async def end_all(self, resident_id: str) -> None:
        """End every link of somebody whose account is gone, on either side."""
        for link in await self._links.list_of_guardian(resident_id):
            await self._end(link, "account_deleted")
        for link in await self._links.list_of_patient(resident_id):
            await self._end(link, "account_deleted")

    async def _state_today(self, link: PatientLink) -> LinkState:
        """The state as of today; a child found to have come of age is asked for consent, once."""
        state = link.state_on(clock.today())
        if state is not link.state:
            await self._links.lapse(link, _event(EventKind.PATIENT_LINK_REQUESTED, link))
        return state

    async def _access_link(self, actor: Actor, link_id: str) -> PatientLink:
        link = await self._links.find_of_patient(link_id, actor.id)
        if link is None:
            raise not_found(f"link {link_id}")
        return link

    async def _beginning(self, guardian: Resident, relation: Relation, number: IDNumber) -> Beginning:
        """State and basis of a new link; RELATION_NOT_CONFIRMED when nobody may decide for this minor."""
        age = age_on(number.birth_on, clock.today())
        minor_child = relation is Relation.CHILD and age < ADULT_AGE
        confirmed = minor_child and await self._real_names.is_child(guardian.id_number or "", number)
        beginning = first_state(relation, age, confirmed=confirmed)
        if beginning is None or (minor_child and not _is_adult(guardian)):
            raise AppError(ErrorCode.RELATION_NOT_CONFIRMED)
        return beginning

    async def _place(
        self, guardian_id: str, patient_id: str, relation: Relation, number: IDNumber, beginning: Beginning
    ) -> PatientLink:
        """Claim one of the six places; whatever else is being added meanwhile, there are never seven."""
        state, basis = beginning
        taken = {link.position for link in await self._links.list_of_guardian(guardian_id)}
        for position in (p for p in range(1, MOST_PATIENTS + 1) if p not in taken):
            link = PatientLink(
                id=new_id(),
                guardian_id=guardian_id,
                patient_id=patient_id,
                position=position,
                relation=relation,
                state=state,
                basis=basis,
                created_at=clock.now(),
                consent_until=None if basis is LinkBasis.NONE else of_age_on(number.birth_on),
            )
            linked = state is LinkState.ACTIVE
            kind = EventKind.PATIENT_LINKED if linked else EventKind.PATIENT_LINK_REQUESTED
            placing = await self._links.place(link, _event(kind, link))
            if placing is Placing.DONE:
                return link
            if placing is Placing.PATIENT_LINKED:
                raise AppError(ErrorCode.PATIENT_EXISTS)
        raise AppError(ErrorCode.PATIENT_LIMIT)

    async def _end(self, link: PatientLink, ended_by: str) -> None:
        await self._links.end(link, ended_by, _event(EventKind.PATIENT_UNLINKED, link))

    async def _record(self, actor: Actor, action: str, link: PatientLink) -> None:
        basis = f"{link.relation}: {link.basis}"
        await self._audit.record(
            actor,
            action,
            f"patient/{link.patient_id}",
            basis,
            None,
            {"link_id": link.id, "guardian_id": link.guardian_id},
        )


def _is_adult(person: Resident) -> bool:
    return person.birth_on is not None and age_on(person.birth_on, clock.today()) >= ADULT_AGE


def _event(kind: EventKind, link: PatientLink) -> Event:
    return Event(kind, {"link_id": link.id, "guardian_id": link.guardian_id, "patient_id": link.patient_id})


def _read_phone(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return parse_phone(text)
    except PhoneError:
        raise AppError(ErrorCode.PHONE_INVALID) from None


def _view(person: Resident, relation: Relation, state: LinkState) -> PatientView:
    if person.name is None or person.id_number is None or person.sex is None or person.birth_on is None:
        raise LookupError(f"{person.id} has no identity")
    return PatientView(person.id, relation, state, person.name, person.id_number, person.sex, person.birth_on)


def _guardian(person: Resident, link: PatientLink, state: LinkState) -> GuardianView:
    return GuardianView(link.id, person.name or "", link.relation, state, link.created_at)
