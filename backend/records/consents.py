"""Consents: hospitals ask, residents grant, deny, take back; at the window by a code to the phone on file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import derived_id, new_id
from backend.permissions import Actor
from backend.records.consent_rules import check_terms, covers, narrowed, state_at, step, widest
from backend.records.consent_store import ConsentStore
from backend.records.models import Kind, Purpose
from backend.records.sharing_models import NOBODY, Consent, ConsentAct, ConsentState, Terms, Via
from backend.records.sharing_ports import Codes, CodeSender, Directory, Residents
from backend.records.speaking import check_speaks_for
from backend.worker.events import Event, EventKind

KINDS = frozenset(str(kind) for kind in Kind)
LONGEST_REASON = 500


class Consents:
    """Asks, takes the answers, and knows what holds."""

    def __init__(
        self,
        store: ConsentStore,
        residents: Residents,
        directory: Directory,
        codes: Codes,
        sender: CodeSender,
        audit: AuditService,
        *,
        answer_within: timedelta,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._residents = residents
        self._directory = directory
        self._codes = codes
        self._sender = sender
        self._audit = audit
        self._answer_within = answer_within
        self._nudge = nudge

    # -- for hospitals ---------------------------------------------------------------------------------

    async def ask(
        self, actor: Actor, person_id: str, terms: Terms, practitioner: str, reason: str
    ) -> Consent:
        """Ask a person. A request that is still open is not made twice.

        Raises REASON_REQUIRED before NOT_FOUND: for a reason it is told whether there is somebody, on record.
        """
        organization_id = asking_organization(actor)
        terms = replace(terms, organization_ids=frozenset({organization_id}))
        now = clock.now()
        check_terms(terms, KINDS, now)
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        if person_id == NOBODY:
            data = {"purpose": str(terms.purpose), "practitioner": practitioner}
            await self._audit.record(
                actor, "records.denied", f"person/{NOBODY}", "none", organization_id, data
            )
            raise not_found("a person to ask")
        for other in await self._store.of_person(person_id):
            still_open = state_at(other, now) is ConsentState.REQUESTED
            if still_open and other.asked_by == organization_id and other.terms == terms:
                return other
        consent = Consent(
            id=new_id(),
            person_id=person_id,
            state=ConsentState.REQUESTED,
            terms=terms,
            turn=0,
            created_at=now,
            asked_by=organization_id,
            practitioner=practitioner,
            reason=reason.strip()[:LONGEST_REASON],
            lapses_at=min(now + self._answer_within, terms.expires_at),
        )
        await self._store.insert(consent, _event(EventKind.CONSENT_ASKED, consent))
        await self._record(actor, "consent.ask", consent)
        self._nudge()
        return consent

    async def access_asked(self, actor: Actor, consent_id: str) -> Consent:
        """A request of the asking hospital's own. Raises NOT_FOUND."""
        consent = await self._store.find(consent_id)
        if consent is None or consent.asked_by != asking_organization(actor):
            raise not_found("consent")
        return replace(consent, state=state_at(consent, clock.now()))

    async def send_code(self, actor: Actor, consent_id: str, ip: str) -> int:
        """Send the person a code for the window; returns the seconds until another may be sent."""
        consent = await self._open_request(actor, consent_id)
        phone = await self._phone_of(consent)
        organization = await self._directory.find_organization(asking_organization(actor))
        name = organization.short_name or organization.name if organization else "医院"
        wait_s = await self._codes.send(
            [_code_key(consent)],
            _code_subject(consent, phone),
            phone,
            ip,
            lambda code: self._sender.send_record_code(phone, code, name),
        )
        await self._record(actor, "consent.send_code", consent)
        return wait_s

    async def confirm(self, actor: Actor, consent_id: str, code: str) -> Consent:
        """The person has said the code at the window: granted as asked. Raises CODE_WRONG and its like."""
        consent = await self._open_request(actor, consent_id)
        phone = await self._phone_of(consent)
        await self._codes.check([_code_key(consent)], _code_subject(consent, phone), phone, code)
        after = replace(
            step(consent, ConsentAct.GRANT, clock.now()), answered_by=consent.person_id, via=Via.SMS_CODE
        )
        return await self._write(actor, "consent.grant_by_code", after, EventKind.CONSENT_GRANTED)

    # -- for residents ---------------------------------------------------------------------------------

    async def list_of(self, actor: Actor, patient_id: str) -> list[Consent]:
        """What the patient was asked and has said, newest first."""
        await self._deciding(actor, patient_id)
        now = clock.now()
        found = await self._store.of_person(patient_id)
        return [replace(consent, state=state_at(consent, now)) for consent in found]

    async def give(self, actor: Actor, patient_id: str, terms: Terms, key: str | None) -> Consent:
        """Let others read without having been asked. The same key gives once."""
        await self._deciding(actor, patient_id)
        now = clock.now()
        check_terms(terms, KINDS, now)
        await self._check_recipients(terms)
        consent = Consent(
            id=derived_id(now.replace(hour=0, minute=0, second=0, microsecond=0), actor.id, key)
            if key
            else new_id(),
            person_id=patient_id,
            state=ConsentState.GRANTED,
            terms=terms,
            turn=0,
            created_at=now,
            answered_by=actor.id,
            via=Via.APP,
            answered_at=now,
        )
        if not await self._store.insert(consent, _event(EventKind.CONSENT_GRANTED, consent)):
            return await self._access(actor, consent.id)
        await self._record(actor, "consent.grant", consent)
        self._nudge()
        return consent

    async def grant(self, actor: Actor, consent_id: str, terms: Terms | None) -> Consent:
        """Say yes to a request, as asked or to less of it."""
        consent = await self._access(actor, consent_id)
        now = clock.now()
        if terms is not None:
            terms = replace(
                terms,
                organization_ids=consent.terms.organization_ids,
                department_ids=consent.terms.department_ids,
                purpose=consent.terms.purpose,
            )
            check_terms(terms, KINDS, now)
            if not narrowed(consent.terms, terms):
                raise AppError(
                    ErrorCode.BAD_REQUEST, "wider than asked", text="授权范围不能超出医院申请的范围。"
                )
        after = replace(
            step(consent, ConsentAct.GRANT, now),
            terms=terms or consent.terms,
            answered_by=actor.id,
            via=Via.APP,
        )
        return await self._write(actor, "consent.grant", after, EventKind.CONSENT_GRANTED)

    async def deny(self, actor: Actor, consent_id: str) -> Consent:
        """Say no to a request; a second time changes nothing."""
        consent = await self._access(actor, consent_id)
        if consent.state is ConsentState.DENIED:
            return consent
        after = replace(step(consent, ConsentAct.DENY, clock.now()), answered_by=actor.id, via=Via.APP)
        return await self._write(actor, "consent.deny", after)

    async def revoke(self, actor: Actor, consent_id: str) -> Consent:
        """Take a grant back: the very next reading is refused. A second time changes nothing."""
        consent = await self._access(actor, consent_id)
        if consent.state is ConsentState.REVOKED:
            return consent
        return await self._write(actor, "consent.revoke", step(consent, ConsentAct.REVOKE, clock.now()))

    # -- for the gate and the console ------------------------------------------------------------------

    async def holding(
        self, person_id: str, organization_id: str, departments: frozenset[str], purpose: Purpose
    ) -> Consent | None:
        """The widest consent by which somebody of these departments may read now; None without one."""
        now = clock.now()
        granted = await self._store.granted(person_id)
        return widest(each for each in granted if covers(each, purpose, organization_id, departments, now))

    async def has_asked(self, person_id: str, organization_id: str) -> bool:
        """Whether an institution has had anything to do with this person's consents."""
        return any(
            consent.asked_by == organization_id
            or (
                consent.terms.organization_ids is not None
                and organization_id in consent.terms.organization_ids
            )
            for consent in await self._store.of_person(person_id)
        )

    async def list_asked(
        self, actor: Actor, *, cursor: str = "", limit: int = 50
    ) -> tuple[list[Consent], str]:
        """What institutions within the actor's scope have asked for, newest first, and the next cursor."""
        found = await self._store.asked_by(actor.organization_ids, cursor, limit + 1)
        now = clock.now()
        page = [replace(consent, state=state_at(consent, now)) for consent in found[:limit]]
        return page, page[-1].id if len(found) > limit else ""

    async def forget(self, person_id: str) -> None:
        """End what a person has granted, and forget the words about him."""
        await self._store.forget(person_id)

    # -- within ----------------------------------------------------------------------------------------

    async def _access(self, actor: Actor, consent_id: str) -> Consent:
        consent = await self._store.find(consent_id)
        if consent is None:
            raise not_found("consent")
        await self._deciding(actor, consent.person_id)
        return consent

    async def _deciding(self, actor: Actor, patient_id: str) -> None:
        check_speaks_for(await self._residents.access_patient(actor, patient_id))

    async def _open_request(self, actor: Actor, consent_id: str) -> Consent:
        consent = await self.access_asked(actor, consent_id)
        if consent.state is not ConsentState.REQUESTED:
            raise AppError(ErrorCode.CONFLICT, f"consent is {consent.state}", text="该申请已处理或已失效。")
        return consent

    async def _phone_of(self, consent: Consent) -> str:
        phone = (await self._residents.contact(consent.person_id)).phone
        if phone is None:
            text = "该患者没有登记手机号，请患者本人在“我的-病历授权”中办理。"
            raise AppError(ErrorCode.CONFLICT, "no phone on file", text=text)
        return phone

    async def _check_recipients(self, terms: Terms) -> None:
        organizations = terms.organization_ids or frozenset()
        departments = await self._directory.departments_by_id(terms.department_ids)
        fields = {
            "organization_ids": len(await self._directory.organizations_by_id(organizations))
            < len(organizations),
            "department_ids": len(departments) < len(terms.department_ids)
            or any(each.organization_id not in organizations for each in departments.values()),
        }
        wrong = [{"field": name, "problem": "unknown"} for name, bad in fields.items() if bad]
        if wrong:
            raise AppError(ErrorCode.BAD_REQUEST, "recipients", data={"fields": wrong})

    async def _write(
        self, actor: Actor, action: str, after: Consent, kind: EventKind | None = None
    ) -> Consent:
        if not await self._store.write(after, _event(kind, after) if kind else None):
            raise AppError(ErrorCode.CONFLICT, "the consent changed meanwhile")
        await self._record(actor, action, after)
        self._nudge()
        return after

    async def _record(self, actor: Actor, action: str, consent: Consent) -> None:
        data = {
            "consent_id": consent.id,
            "purpose": str(consent.terms.purpose),
            "kinds": sorted(consent.terms.kinds) if consent.terms.kinds is not None else ["all"],
            "sensitive": consent.terms.sensitive,
            "expires_at": consent.terms.expires_at.isoformat(),
        }
        basis = str(consent.via or consent.state)
        about = f"person/{consent.person_id}"
        await self._audit.record(actor, action, about, basis, consent.asked_by, data)


def asking_organization(actor: Actor) -> str:
    """The institution that a client speaks for."""
    ids = actor.organization_ids
    if actor.kind not in ("client", "terminal") or ids is None or len(ids) != 1:
        raise AppError(ErrorCode.FORBIDDEN, "not an institution's system")
    return next(iter(ids))


def _event(kind: EventKind, consent: Consent) -> Event:
    data = {"consent_id": consent.id, "person_id": consent.person_id}
    if consent.asked_by is not None:
        data["organization_id"] = consent.asked_by
    return Event(kind, data | ({"via": str(consent.via)} if consent.via else {}))


def _code_key(consent: Consent) -> str:
    return f"record:{consent.id}"


def _code_subject(consent: Consent, phone: str) -> str:
    return f"record|{consent.id}|{phone}"
