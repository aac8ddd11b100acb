"""Consent by SMS: an adult who does not use the app agrees that somebody acts for him, by giving away a code.

The code goes to the phone under which the population register knows the adult, and says what it is for. The
one who asks types it in.
"""

from __future__ import annotations

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.residents.accounts import Accounts
from backend.residents.codes import OneTimeCodes
from backend.residents.id_numbers import IDNumber, age_on
from backend.residents.link_store import PatientLinkStore
from backend.residents.models import (
    ADULT_AGE,
    LinkBasis,
    LinkState,
    PatientLink,
    PatientView,
    Resident,
    ResidentState,
)
from backend.residents.phones import PhoneError, parse_phone
from backend.residents.ports import CodeSender
from backend.residents.register import RealNameCheck, phone_mismatch
from backend.residents.store import ResidentStore
from backend.security.limits import RateLimiter
from backend.security.masking import mask_name
from backend.worker.events import Event, EventKind


class Consents:
    """Asks an adult by SMS, and takes the answer."""

    def __init__(
        self,
        accounts: Accounts,
        residents: ResidentStore,
        links: PatientLinkStore,
        real_names: RealNameCheck,
        codes: OneTimeCodes,
        sender: CodeSender,
        limiter: RateLimiter,
        audit: AuditService,
    ) -> None:
        self._accounts = accounts
        self._residents = residents
        self._links = links
        self._real_names = real_names
        self._codes = codes
        self._sender = sender
        self._limiter = limiter
        self._audit = audit

    async def ask(self, actor: Actor, patient_id: str, phone: str, ip: str) -> int:
        """Send the adult a code; returns the seconds until the next may be sent.

        Raises NOT_FOUND, PATIENT_EXISTS when there is consent already, RELATION_NOT_CONFIRMED when this one
        cannot consent like this, REAL_NAME_MISMATCH unless the register knows the phone as the adult's.
        """
        guardian = await self._accounts.access_account(actor)
        link, person = await self._pending(guardian, patient_id)
        number = await self._confirmed_phone(guardian, person, phone)
        who = _introduction(guardian)
        wait_s = await self._codes.send(
            [_key(link)],
            _subject(link, number),
            number,
            ip,
            lambda code: self._sender.send_consent_code(number, code, who),
        )
        await self._record(actor, "patient.ask_consent", link, LinkBasis.NONE)
        return wait_s

    async def give(self, actor: Actor, patient_id: str, phone: str, code: str) -> PatientView:
        """The adult has agreed: the link is active, and both are told. Raises CODE_WRONG and its like."""
        guardian = await self._accounts.access_account(actor)
        link, person = await self._pending(guardian, patient_id)
        number = _read_phone(phone)
        await self._codes.check([_key(link)], _subject(link, number), number, code)
        # The phone is the adult's, says the register: from now on it is where he is told.
        await self._accounts.set_contact(person, number)
        if not await self._links.accept(link, _consented(link), LinkBasis.SMS_CODE):
            raise not_found(f"link {link.id}")
        await self._record(actor, "patient.accept_by_code", link, LinkBasis.SMS_CODE)
        return _view(person, link)

    async def _pending(self, guardian: Resident, patient_id: str) -> tuple[PatientLink, Resident]:
        link = await self._links.find_link(guardian.id, patient_id)
        person = await self._residents.find(patient_id)
        if link is None or person is None:
            raise not_found(f"patient {patient_id}")
        if link.state_on(clock.today()) is LinkState.ACTIVE:
            raise AppError(ErrorCode.PATIENT_EXISTS, "has agreed already")
        if person.birth_on is None or age_on(person.birth_on, clock.today()) < ADULT_AGE:
            # A minor's consent is not his alone to give: the register's word about the parents counts.
            raise AppError(ErrorCode.RELATION_NOT_CONFIRMED, "consent of a minor")
        return link, person

    async def _confirmed_phone(self, guardian: Resident, person: Resident, phone: str) -> str:
        number = _read_phone(phone)
        if number == guardian.phone:
            raise AppError(ErrorCode.RELATION_NOT_CONFIRMED, "one's own phone says nothing about another")
        await self._limiter.take("patient", guardian.id)
        await self._real_names.check_phone(person.name or "", IDNumber(person.id_number or ""), number)
        if person.state is ResidentState.ACCOUNT and person.phone != number:
            # The register may be behind; who has an account is asked where he can be reached today.
            raise phone_mismatch()
        return number

    async def _record(self, actor: Actor, action: str, link: PatientLink, basis: LinkBasis) -> None:
        data = {"link_id": link.id, "guardian_id": link.guardian_id}
        about = f"patient/{link.patient_id}"
        await self._audit.record(actor, action, about, f"{link.relation}: {basis}", None, data)


def _key(link: PatientLink) -> str:
    return f"consent:{link.id}"


def _subject(link: PatientLink, phone: str) -> str:
    return f"consent|{link.id}|{phone}"


def _introduction(guardian: Resident) -> str:
    """Enough to recognise who asks, for somebody who knows him."""
    name = mask_name(guardian.name or "")
    return f"手机尾号{guardian.phone[-4:]}的{name}" if guardian.phone else name


def _consented(link: PatientLink) -> Event:
    ids = {"link_id": link.id, "guardian_id": link.guardian_id, "patient_id": link.patient_id}
    return Event(EventKind.PATIENT_LINKED, ids | {"by": str(LinkBasis.SMS_CODE)})


def _view(person: Resident, link: PatientLink) -> PatientView:
    if person.name is None or person.id_number is None or person.sex is None or person.birth_on is None:
        raise LookupError(f"{person.id} has no identity")
    return PatientView(
        person.id,
        link.relation,
        LinkState.ACTIVE,
        person.name,
        person.id_number,
        person.sex,
        person.birth_on,
    )


def _read_phone(text: str) -> str:
    try:
        return parse_phone(text)
    except PhoneError:
        raise AppError(ErrorCode.PHONE_INVALID) from None
