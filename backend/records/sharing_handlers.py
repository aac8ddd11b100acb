"""Consents, readings and record windows over HTTP: for residents, and for hospitals' systems."""

from __future__ import annotations

from collections.abc import Sequence

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Items, Page
from backend.patient_index.models import ChartNumber
from backend.permissions import Permission
from backend.records import sharing_schemas as schemas
from backend.records.gate import organization_of
from backend.records.models import Purpose
from backend.records.persons import Named
from backend.records.sharing_models import Consent

_TAG = "records"
_HOSPITAL_TAG = "hospital"
_OF_PATIENT = (ErrorCode.NOT_FOUND, ErrorCode.REAL_NAME_REQUIRED, ErrorCode.PATIENT_PENDING)
_DECIDING = (*_OF_PATIENT, ErrorCode.FORBIDDEN, ErrorCode.CONFLICT)


class _Handler(APIHandler):
    """What the handlers here share."""

    async def shown(self, consents: Sequence[Consent]) -> list[schemas.ConsentOut]:
        """Consents with the names of those who ask and read."""
        directory = self.services.directory
        ids = {id for each in consents for id in each.terms.organization_ids or ()}
        places = await directory.organizations_by_id(ids | {c.asked_by for c in consents if c.asked_by})
        departments = await directory.departments_by_id(
            {id for each in consents for id in each.terms.department_ids}
        )
        return [schemas.consent_out(each, places, departments) for each in consents]

    async def named(self, patient: schemas.PatientIn) -> Named:
        """Whom a hospital means."""
        number = patient.chart_number
        return await self.services.sharing.persons.find(
            organization_of(self.actor),
            patient.id_number,
            ChartNumber(number.assigner, number.value) if number else None,
        )


class ConsentListHandler(_Handler):
    """A patient's consents."""

    @requires(Permission.RESIDENT_CONSENTS_MANAGE)
    @operation("List what others may read", errors=_OF_PATIENT, tag=_TAG)
    async def get(self, query: schemas.OfPatient) -> Items[schemas.ConsentOut]:
        """Requests and consents of the patient, newest first; what has ended is listed too."""
        found = await self.services.sharing.consents.list_of(self.actor, query.patient_id)
        return Items(items=await self.shown(found))

    @requires(Permission.RESIDENT_CONSENTS_MANAGE)
    @operation("Let others read", status=201, errors=_DECIDING, tag=_TAG, rate_limit="consent")
    async def post(self, body: schemas.GiveConsent) -> schemas.ConsentOut:
        """Without having been asked: to whom, what, of which days, until when."""
        consent = await self.services.sharing.consents.give(
            self.actor, body.patient_id, schemas.terms_given(body), self.idempotency_key
        )
        return (await self.shown([consent]))[0]


class GrantHandler(_Handler):
    """Yes to a request."""

    @requires(Permission.RESIDENT_CONSENTS_MANAGE)
    @operation("Grant a hospital's request", errors=_DECIDING, tag=_TAG)
    async def post(self, consent_id: str, body: schemas.GrantConsent) -> schemas.ConsentOut:
        """As asked, or with narrower limits."""
        terms = schemas.terms_granted(body.limits) if body.limits else None
        consent = await self.services.sharing.consents.grant(self.actor, consent_id, terms)
        return (await self.shown([consent]))[0]


class DenyHandler(_Handler):
    """No to a request."""

    @requires(Permission.RESIDENT_CONSENTS_MANAGE)
    @operation("Deny a hospital's request", errors=_DECIDING, tag=_TAG)
    async def post(self, consent_id: str) -> schemas.ConsentOut:
        """The hospital sees that it was denied."""
        consent = await self.services.sharing.consents.deny(self.actor, consent_id)
        return (await self.shown([consent]))[0]


class RevokeHandler(_Handler):
    """Taking back."""

    @requires(Permission.RESIDENT_CONSENTS_MANAGE)
    @operation("Revoke a consent", errors=_DECIDING, tag=_TAG)
    async def post(self, consent_id: str) -> schemas.ConsentOut:
        """The very next reading is refused."""
        consent = await self.services.sharing.consents.revoke(self.actor, consent_id)
        return (await self.shown([consent]))[0]


class AccessListHandler(_Handler):
    """Who has read."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List who read what, when and why", errors=_OF_PATIENT, tag=_TAG)
    async def get(self, query: schemas.AccessQuery) -> Page[schemas.AccessOut]:
        """Straight from the audit chain, newest first."""
        sharing = self.services.sharing
        found, cursor = await sharing.accesses.list_of(
            self.actor, query.patient_id, own=query.own, cursor=query.cursor, limit=query.limit
        )
        questions = await sharing.questions.of_readings([each.id for each in found])
        items = [schemas.access_out(each, questions.get(each.id)) for each in found]
        return Page(items=items, next_cursor=cursor)


class AskReadingHandler(_Handler):
    """Asking about a reading."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation(
        "Ask the hospital about a reading",
        status=201,
        errors=(*_OF_PATIENT, ErrorCode.CONFLICT, ErrorCode.REASON_REQUIRED),
        tag=_TAG,
        rate_limit="consent",
    )
    async def post(self, access_id: str, body: schemas.AskReading) -> schemas.QuestionOut:
        """The hospital's privacy officer has to answer; the resident is told when it is done."""
        question = await self.services.sharing.questions.ask(
            self.actor, body.patient_id, access_id, body.text
        )
        return schemas.question_out(question)


class AskedConsentListHandler(_Handler):
    """Requests of hospitals."""

    @requires(Permission.HOSPITAL_CONSENTS_ASK)
    @operation(
        "Ask a person for consent",
        status=201,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.REASON_REQUIRED),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def post(self, body: schemas.AskConsent) -> schemas.AskedConsentOut:
        """The person is told, and answers in the app, or at the window by a code on the phone on file."""
        named = await self.named(body.patient)
        directory = self.services.directory
        departments = {(await directory.access_department(self.actor, id)).id for id in body.departments}
        consent = await self.services.sharing.consents.ask(
            self.actor,
            named.person_id,
            schemas.terms_asked(body, frozenset(departments)),
            body.practitioner,
            body.reason,
        )
        return schemas.asked_consent_out(consent)


class AskedConsentHandler(_Handler):
    """One request."""

    @requires(Permission.HOSPITAL_CONSENTS_ASK)
    @operation("See what became of a request", errors=(ErrorCode.NOT_FOUND,), tag=_HOSPITAL_TAG)
    async def get(self, consent_id: str) -> schemas.AskedConsentOut:
        """Its state, and what was granted: it may be less than was asked for."""
        consent = await self.services.sharing.consents.access_asked(self.actor, consent_id)
        return schemas.asked_consent_out(consent)


class ConsentCodeHandler(_Handler):
    """A code to the phone on file."""

    @requires(Permission.HOSPITAL_CONSENTS_ASK)
    @operation(
        "Send the person a code",
        status=202,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.CONFLICT, ErrorCode.UNAVAILABLE),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def post(self, consent_id: str) -> schemas.CodeSentOut:
        """For who stands at the window and does not use the app."""
        wait_s = await self.services.sharing.consents.send_code(self.actor, consent_id, self.client_ip)
        return schemas.CodeSentOut(resend_after_s=wait_s)


class ConfirmConsentHandler(_Handler):
    """What the person says at the window."""

    @requires(Permission.HOSPITAL_CONSENTS_ASK)
    @operation(
        "Confirm a request with the person's code",
        errors=(
            ErrorCode.NOT_FOUND,
            ErrorCode.CONFLICT,
            ErrorCode.CODE_WRONG,
            ErrorCode.CODE_TOO_MANY_ATTEMPTS,
        ),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def post(self, consent_id: str, body: schemas.ConfirmConsent) -> schemas.AskedConsentOut:
        """Granted as asked; the person is told by SMS how to take it back."""
        consent = await self.services.sharing.consents.confirm(self.actor, consent_id, body.code)
        return schemas.asked_consent_out(consent)


class ContractHandler(_Handler):
    """One contract."""

    @requires(Permission.HOSPITAL_CONTRACTS_WRITE)
    @operation(
        "State that a person has signed with the hospital",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.CONFLICT),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def put(self, body: schemas.StateContract, external_id: str) -> schemas.ContractOut:
        """While it lasts the hospital's doctors may read for treatment; the person is told of it."""
        named = await self.named(body.patient)
        place = organization_of(self.actor)
        contract = await self.services.sharing.contracts.state(
            self.actor, place, external_id, named.person_id, body.from_on, body.until_on
        )
        return schemas.ContractOut(
            external_id=external_id, from_on=contract.begins_on, until_on=contract.until_on
        )

    @requires(Permission.HOSPITAL_CONTRACTS_WRITE)
    @operation(
        "End a contract",
        status=204,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.CONFLICT),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def delete(self, external_id: str) -> None:
        """The very next reading needs another ground; a number that has ended stays so."""
        place = organization_of(self.actor)
        await self.services.sharing.contracts.end(self.actor, place, external_id)


class RecordLaunchHandler(_Handler):
    """Record windows."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation(
        "Open a record window in a workstation",
        status=201,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.PRACTITIONER_UNKNOWN),
        tag=_HOSPITAL_TAG,
        rate_limit="record_person",
    )
    async def post(self, body: schemas.OpenRecord) -> schemas.RecordWindowOut:
        """Show the address in the workstation at once: it works once, within two minutes."""
        named = await self.named(body.patient)
        launches = self.services.sharing.launches
        launch = await launches.make(
            self.actor,
            organization_of(self.actor),
            named.person_id,
            practitioner=body.practitioner,
            encounter=body.encounter,
            purpose=Purpose(body.purpose),
            presented=named.presented,
        )
        return schemas.window_out(launch, launches.address(launch))


_CONSENT = r"(?P<consent_id>[^/]+)"
routes = [
    (r"/api/v1/consents", ConsentListHandler),
    (rf"/api/v1/consents/{_CONSENT}/grant", GrantHandler),
    (rf"/api/v1/consents/{_CONSENT}/deny", DenyHandler),
    (rf"/api/v1/consents/{_CONSENT}/revoke", RevokeHandler),
    (r"/api/v1/records/accesses", AccessListHandler),
    (r"/api/v1/records/accesses/(?P<access_id>[^/]+)/questions", AskReadingHandler),
    (r"/hospital/v1/consents", AskedConsentListHandler),
    (rf"/hospital/v1/consents/{_CONSENT}", AskedConsentHandler),
    (rf"/hospital/v1/consents/{_CONSENT}/sms-codes", ConsentCodeHandler),
    (rf"/hospital/v1/consents/{_CONSENT}/confirm", ConfirmConsentHandler),
    (r"/hospital/v1/care-contracts/(?P<external_id>[^/]{1,100})", ContractHandler),
    (r"/hospital/v1/record-launches", RecordLaunchHandler),
]
