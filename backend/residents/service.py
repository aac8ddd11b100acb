"""The residents area's face to the others: one's own account, and what other areas may know about people.

Signing in is `login` (login.py), being known in a chat `talking` (talking.py), acting for others `patients`
(patients.py) and `consents` (consents.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.residents.accounts import Accounts
from backend.residents.claim_ids import ClaimIds
from backend.residents.codes import OneTimeCodes
from backend.residents.consents import Consents
from backend.residents.forgetting import Forgetting
from backend.residents.id_numbers import IDNumberError, parse_id_number
from backend.residents.login import LoginService, read_phone
from backend.residents.models import Contact, Identity, Patient, Resident, ResidentState, Verifier, WeChatApp
from backend.residents.patients import PatientService
from backend.residents.phones import PhoneError, parse_phone
from backend.residents.ports import HasAppointments
from backend.residents.register import RealNameCheck, read_identity
from backend.residents.reindexing import ResidentIndexes
from backend.residents.store import ResidentStore
from backend.residents.talking import TalkingResidents
from backend.security.limits import RateLimiter
from backend.security.masking import mask_name
from backend.security.sessions import SessionService
from backend.worker.events import Event, EventKind

GONE = "已注销"
NAMELESS = "未实名"
# A phone that stands for more people than this is an institution's, and finds nobody in particular.
_MOST_FOUND = 20


class ResidentService:
    """Accounts, real names, and bulk answers about people."""

    def __init__(
        self,
        *,
        login: LoginService,
        talking: TalkingResidents,
        patients: PatientService,
        consents: Consents,
        forgetting: Forgetting,
        indexes: ResidentIndexes,
        accounts: Accounts,
        store: ResidentStore,
        claim_ids: ClaimIds,
        real_names: RealNameCheck,
        sessions: SessionService,
        limiter: RateLimiter,
        audit: AuditService,
        has_appointments: HasAppointments,
        codes: OneTimeCodes,
    ) -> None:
        self.login = login
        self.talking = talking
        self.patients = patients
        self.consents = consents
        self.forgetting = forgetting
        self.indexes = indexes
        # For what else somebody agrees to by a code on his phone.
        self.codes = codes
        self._accounts = accounts
        self._store = store
        self._ids = claim_ids
        self._real_names = real_names
        self._sessions = sessions
        self._limiter = limiter
        self._audit = audit
        self._has_appointments = has_appointments

    # -- one's own account -----------------------------------------------------------------------------

    async def access_account(self, actor: Actor) -> Resident:
        """The actor's own account."""
        return await self._accounts.access_account(actor)

    async def verify_real_name(self, actor: Actor, name: str, id_number: str) -> tuple[Resident, str]:
        """Check name and ID number at the population register and make the account a verified person's.

        Returns the account, whose id may be another when hospitals knew the person already, and an access
        token that says so.
        """
        resident = await self._accounts.access_account(actor)
        name, number = read_identity(name, id_number)
        if resident.real_name:
            if resident.id_number != number.text:
                raise AppError(ErrorCode.REAL_NAME_DONE)
            return resident, await self._upgrade(actor, resident)
        await self._limiter.take("real_name", resident.id)
        try:
            await self._real_names.check(name, number, resident.phone)
            verified = await self._accounts.take_identity(resident, name, number)
        except AppError as error:
            await self._record(
                actor, "resident.verify_refused", resident.id, "own request", reason=error.code
            )
            raise
        await self._record(actor, "resident.verify", verified.id, "population register")
        return verified, await self._upgrade(actor, verified)

    async def change_settings(self, actor: Actor, *, large_type: bool) -> Resident:
        """Keep how the resident wants to see the app."""
        resident = await self._accounts.access_account(actor)
        await self._store.set_large_type(resident.id, large_type)
        return replace(resident, large_type=large_type)

    async def restore_phone(self, actor: Actor, id_number: str, phone: str, reason: str) -> str:
        """Give the account of somebody who stood at a window with the ID card a phone to sign in with.

        For whoever has lost both phone and WeChat. Returns the account's id. Raises NOT_FOUND, PHONE_TAKEN.
        """
        if actor.kind != "system":
            raise AppError(ErrorCode.FORBIDDEN, "phones are given back by the city's operators")
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        number = read_phone(phone)
        claim = await self._store.find_claim(self._keys_of_id_number(id_number))
        account = await self._accounts.find(claim.resident_id) if claim else None
        if account is None or account.state is not ResidentState.ACCOUNT or account.phone == number:
            raise not_found("an account of this ID number with another phone")
        changed = await self._accounts.change_phone(account, number)
        await self._sessions.end_all(changed.id, "phone given back at a window")
        # The card was seen: the next log-in need not ask for the number's end again.
        await self._store.set_seen(changed.id)
        await self._record(actor, "resident.restore_phone", changed.id, reason.strip()[:200])
        return changed.id

    async def delete_account(self, actor: Actor) -> None:
        """Erase the account; refused while appointments are to come. What is gone is gone at once."""
        resident = await self._accounts.access_account(actor)
        if await self._has_appointments(resident.id):
            raise AppError(ErrorCode.ACCOUNT_HAS_APPOINTMENTS)
        if not await self._store.erase(
            resident.id, Event(EventKind.RESIDENT_DELETED, {"resident_id": resident.id})
        ):
            raise AppError(ErrorCode.CONFLICT, "the account is being changed")
        await self._finish_deletion(resident.id)
        await self._record(actor, "resident.delete", resident.id, "own request")

    async def on_resident_deleted(self, event: Event) -> None:
        """Finish a deletion that a crash cut short; a second time finds nothing to do."""
        await self._finish_deletion(event.data["resident_id"])

    # -- for other areas -------------------------------------------------------------------------------

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor may act for him; see `PatientService.access_patient`."""
        return await self.patients.access_patient(actor, patient_id)

    async def get_identity(self, patient_id: str) -> Identity:
        """Who a patient is, in clear. The caller answers for the basis and writes the audit entry."""
        person = await self._accounts.find(patient_id)
        identity = _identity(person) if person else None
        if identity is None:
            raise not_found(f"identity of {patient_id}")
        return identity

    async def identities(self, patient_ids: Iterable[str]) -> dict[str, Identity]:
        """Who many patients are, in clear, by id; those without an identity are left out."""
        people = await self._store.find_many(set(patient_ids))
        found = {patient_id: _identity(person) for patient_id, person in people.items()}
        return {patient_id: identity for patient_id, identity in found.items() if identity is not None}

    async def reveal(self, actor: Actor, patient_id: str, reason: str) -> Identity:
        """Who a patient is, shown to a member of staff for a stated reason, and written down."""
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        identity = await self.get_identity(patient_id)
        await self._record(actor, "resident.reveal", patient_id, reason.strip()[:200])
        return identity

    async def find_or_create_file(self, name: str, id_number: str, phone: str | None = None) -> str:
        """The id of the person a hospital has before it, known or new.

        A name that differs from the one on file is taken over only when the register confirms it.
        """
        name, number = read_identity(name, id_number)
        contact = _phone_or_none(phone)
        person = await self._accounts.file_of(name, number, Verifier.HOSPITAL, contact)
        if not self._accounts.has_name(person, name):
            if person.state is not ResidentState.FILE or person.verified_by is Verifier.REGISTER:
                raise AppError(ErrorCode.REAL_NAME_MISMATCH, "another name is on file")
            await self._real_names.check(name, number, None)
            await self._accounts.correct_name(person, name)
        return person.id

    async def is_named(self, name: str, id_number: str) -> bool | None:
        """Whether the register has this name under this ID number; None when it cannot be asked."""
        try:
            name, number = read_identity(name, id_number)
        except AppError:
            return False
        return await self._real_names.is_named(name, number)

    async def contact(self, resident_id: str) -> Contact:
        """Where messages to a person go; empty for one who is gone."""
        person = await self._accounts.find(resident_id)
        if person is None:
            return Contact(resident_id)
        openids = {app: binding.openid for app, binding in person.wechat.items()}
        mini, account = openids.get(WeChatApp.MINI), openids.get(WeChatApp.OA)
        left = account is not None and person.wechat[WeChatApp.OA].left
        return Contact(person.id, person.phone, mini, account, left)

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id, for lists."""
        people = await self._store.find_many(set(resident_ids))
        return {person.id: _masked_name(person) for person in people.values()}

    async def search(self, text: str) -> str | None:
        """The id of the person of a phone or an ID number, for the console; None when there is none."""
        claim = await self._store.find_claim(self._search_keys(text))
        person = await self._accounts.find(claim.resident_id) if claim else None
        return person.id if person is not None and claim is not None and claim.key in person.keys else None

    async def search_patients(self, text: str) -> list[str]:
        """Whom a number may be about, for the desk: by ID number that person; by phone its owner, whom the
        owner acts for today, and people who are told by it without having an account."""
        owner = await self.search(text)
        found = [owner] if owner else []
        try:
            phone = parse_phone(text)
        except PhoneError:
            return found
        if owner is not None:
            found += await self.patients.patients_of(owner)
        found += await self._store.list_by_contact(self._ids.of_phone(phone), _MOST_FOUND)
        return list(dict.fromkeys(found))

    def _search_keys(self, text: str) -> list[str]:
        try:
            return self._ids.of_phone(parse_phone(text))
        except PhoneError:
            return self._keys_of_id_number(text)

    def _keys_of_id_number(self, text: str) -> list[str]:
        try:
            return self._ids.of_id_number(parse_id_number(text, today=clock.today()).text)
        except IDNumberError:
            return []

    async def _finish_deletion(self, resident_id: str) -> None:
        await self.patients.end_all(resident_id)
        await self._store.drop_claims_of(resident_id)
        await self._sessions.end_all(resident_id, "account deleted")

    async def _upgrade(self, actor: Actor, resident: Resident) -> str:
        return await self._sessions.upgrade(replace(actor, id=resident.id, real_name=True))

    async def _record(self, actor: Actor, action: str, resident_id: str, basis: str, **data: str) -> None:
        await self._audit.record(actor, action, f"resident/{resident_id}", basis, None, data)


def _identity(person: Resident) -> Identity | None:
    if person.name is None or person.id_number is None or person.sex is None or person.birth_on is None:
        return None
    return Identity(person.id, person.name, person.id_number, person.sex, person.birth_on, person.phone)


def _masked_name(person: Resident) -> str:
    if person.name:
        return mask_name(person.name)
    return GONE if person.state is ResidentState.DELETED else NAMELESS


def _phone_or_none(text: str | None) -> str | None:
    """A hospital's idea of a phone number is welcome, never required."""
    try:
        return parse_phone(text) if text else None
    except PhoneError:
        return None
