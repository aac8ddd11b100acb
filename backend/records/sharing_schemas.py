"""What the endpoints of consents, readings and record windows read and write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backend.directory.models import Department, Organization
from backend.http.schema import Answer, Instant, PageQuery, Query, Schema, WrittenDay, WrittenInstant
from backend.records.accesses import Access
from backend.records.launches import OPEN_WITHIN
from backend.records.models import Purpose
from backend.records.sharing_models import Asked, Consent, Launch, Question, Terms
from backend.records.words import KIND_NAMES, PURPOSE_NAMES, WAY_NAMES

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")]
ConsentPurpose = Literal["TREAT", "ETREAT", "PUBHLTH"]
LaunchPurpose = Literal["TREAT", "ETREAT", "BTG"]
MOST = 50


class OfPatient(Query):
    """Whose."""

    patient_id: str = Field(max_length=64)


class AccessQuery(PageQuery):
    """Whose readings."""

    patient_id: str = Field(max_length=64)
    own: bool = Field(False, description="With the person's own readings.")


# -- consents ------------------------------------------------------------------------------------------


class Limits(Schema):
    """What may be read, and until when."""

    kinds: list[KindName] | None = Field(None, max_length=MOST, description="Null: everything.")
    since: WrittenDay | None = Field(None, strict=False, description="Of data from this day on.")
    until: WrittenDay | None = Field(None, strict=False, description="Of data up to this day.")
    expires_at: WrittenInstant = Field(strict=False, description="When it ends; three years at most.")
    sensitive: bool = Field(False, description="With what is especially sensitive (HIV, psychiatry …).")


class GiveConsent(Limits):
    """A consent that nobody has asked for."""

    patient_id: str = Field(max_length=64)
    purpose: ConsentPurpose = "TREAT"
    organization_ids: list[Name] | None = Field(
        max_length=MOST, description="To which institutions; null: all of the city."
    )
    department_ids: list[Name] = Field(default=[], max_length=MOST)


class GrantConsent(Schema):
    """Yes to a request: as asked, or to less of it."""

    limits: Limits | None = None


class ChartNumberIn(Schema):
    """The hospital's own number of a patient."""

    assigner: str = Field("", max_length=200)
    value: str = Field(min_length=1, max_length=100)


class PatientIn(Schema):
    """A person, as the hospital knows him: by ID card, or by its own number. One of the two."""

    id_number: str | None = Field(None, max_length=18)
    chart_number: ChartNumberIn | None = None


class AskConsent(Limits):
    """A hospital's request."""

    patient: PatientIn
    practitioner: Name = Field(description="The hospital's own id of who asks.")
    purpose: ConsentPurpose = "TREAT"
    departments: list[Name] = Field(default=[], max_length=MOST, description="The hospital's own ids.")
    reason: str = Field(min_length=1, max_length=500, description="What the person reads.")


class ConfirmConsent(Schema):
    """What the person has read off the phone."""

    code: str = Field(pattern=r"^[0-9]{4,8}$")


class CodeSentOut(Answer):
    """A code is on its way."""

    resend_after_s: int


class RecipientOut(Answer):
    """Who may read."""

    organization_id: str
    organization_name: str
    departments: list[str]


class AskedOut(Answer):
    """Who asks, and why."""

    organization_id: str
    organization_name: str
    reason: str
    lapses_at: Instant | None


class ConsentOut(Answer):
    """A consent."""

    id: str
    patient_id: str
    state: str
    purpose: str
    purpose_name: str
    kinds: list[str] | None
    since: date | None
    until: date | None
    recipients: list[RecipientOut] | None = Field(description="Null: every institution of the city.")
    expires_at: Instant
    sensitive: bool
    asked: AskedOut | None
    via: str | None
    created_at: Instant
    answered_at: Instant | None
    ended_at: Instant | None


class AskedConsentOut(Answer):
    """A hospital's own request: what has become of it."""

    id: str
    state: str
    purpose: str
    kinds: list[str] | None
    since: date | None
    until: date | None
    expires_at: Instant
    sensitive: bool
    lapses_at: Instant | None
    answered_at: Instant | None


def terms_given(body: GiveConsent) -> Terms:
    """As the resident states them."""
    ids = None if body.organization_ids is None else frozenset(body.organization_ids)
    return _terms(body, Purpose(body.purpose), ids, frozenset(body.department_ids))


def terms_asked(body: AskConsent, department_ids: frozenset[str]) -> Terms:
    """As the hospital states them; to whom it goes is not the hospital's to say."""
    return _terms(body, Purpose(body.purpose), frozenset(), department_ids)


def terms_granted(limits: Limits) -> Terms:
    """As the resident narrows them; purpose and recipients are the request's."""
    return _terms(limits, Purpose.TREAT, frozenset(), frozenset())


def _terms(
    limits: Limits, purpose: Purpose, ids: frozenset[str] | None, departments: frozenset[str]
) -> Terms:
    return Terms(
        purpose=purpose,
        expires_at=limits.expires_at,
        kinds=None if limits.kinds is None else frozenset(limits.kinds),
        since=limits.since,
        until=limits.until,
        organization_ids=ids,
        department_ids=departments,
        sensitive=limits.sensitive,
    )


def consent_out(
    consent: Consent, places: Mapping[str, Organization], departments: Mapping[str, Department]
) -> ConsentOut:
    """As the person sees it."""
    terms = consent.terms
    return ConsentOut(
        id=consent.id,
        patient_id=consent.person_id,
        state=str(consent.state),
        purpose=str(terms.purpose),
        purpose_name=PURPOSE_NAMES[terms.purpose],
        kinds=_kinds(terms),
        since=terms.since,
        until=terms.until,
        recipients=None
        if terms.organization_ids is None
        else [_recipient(id, terms, places, departments) for id in sorted(terms.organization_ids)],
        expires_at=terms.expires_at,
        sensitive=terms.sensitive,
        asked=AskedOut(
            organization_id=consent.asked_by,
            organization_name=_name(consent.asked_by, places),
            reason=consent.reason,
            lapses_at=consent.lapses_at,
        )
        if consent.asked_by
        else None,
        via=str(consent.via) if consent.via else None,
        created_at=consent.created_at,
        answered_at=consent.answered_at,
        ended_at=consent.ended_at,
    )


def asked_consent_out(consent: Consent) -> AskedConsentOut:
    """As the asking hospital sees it."""
    terms = consent.terms
    return AskedConsentOut(
        id=consent.id,
        state=str(consent.state),
        purpose=str(terms.purpose),
        kinds=_kinds(terms),
        since=terms.since,
        until=terms.until,
        expires_at=terms.expires_at,
        sensitive=terms.sensitive,
        lapses_at=consent.lapses_at,
        answered_at=consent.answered_at,
    )


def _recipient(
    id: str, terms: Terms, places: Mapping[str, Organization], departments: Mapping[str, Department]
) -> RecipientOut:
    of_place = [
        each.name
        for each in departments.values()
        if each.organization_id == id and each.id in terms.department_ids
    ]
    return RecipientOut(organization_id=id, organization_name=_name(id, places), departments=sorted(of_place))


def _name(id: str, places: Mapping[str, Organization]) -> str:
    return places[id].name if id in places else "（机构已撤销）"


def _kinds(terms: Terms) -> list[str] | None:
    return None if terms.kinds is None else [kind for kind in KIND_NAMES if kind in terms.kinds]


# -- contracts -----------------------------------------------------------------------------------------


class StateContract(Schema):
    """Whom an institution looks after, from which day to which."""

    patient: PatientIn
    from_on: WrittenDay = Field(strict=False, description="The first day.")
    until_on: WrittenDay = Field(strict=False, description="The last day; at most three years later.")


class ContractOut(Answer):
    """A contract, as it stands."""

    external_id: str
    from_on: date
    until_on: date


# -- readings ------------------------------------------------------------------------------------------


class QuestionOut(Answer):
    """What was asked about a reading, and the answer."""

    access_id: str
    text: str
    asked_at: Instant
    due_at: Instant
    answer: str | None
    answered_at: Instant | None


class AccessOut(Answer):
    """One reading: who, when, why, what."""

    id: str
    at: Instant
    by: str = Field(description="self, guardian, hospital or other.")
    organization_name: str
    practitioner: str
    purpose: str
    purpose_name: str
    basis: str
    why: str = Field(description="The ground in plain words.")
    what: str
    kinds: list[str]
    count: int
    question: QuestionOut | None


class AskReading(Schema):
    """A question about a reading."""

    patient_id: str = Field(max_length=64)
    text: str = Field(min_length=1, max_length=500)


def question_out(question: Question) -> QuestionOut:
    """As the person sees it."""
    return QuestionOut(
        access_id=question.id,
        text=question.text,
        asked_at=question.asked_at,
        due_at=question.due_at,
        answer=question.answer or None,
        answered_at=question.answered_at,
    )


def access_out(access: Access, question: Question | None) -> AccessOut:
    """As the person sees it."""
    return AccessOut(
        id=access.id,
        at=access.at,
        by=access.by,
        organization_name=access.organization,
        practitioner=access.practitioner,
        purpose=access.purpose,
        purpose_name=PURPOSE_NAMES.get(access.purpose, access.purpose),
        basis=access.basis,
        why=access.why,
        what=WAY_NAMES.get(access.way, "查看"),
        kinds=list(access.kinds),
        count=access.count,
        question=question_out(question) if question else None,
    )


# -- the record window ---------------------------------------------------------------------------------


class OpenRecord(Schema):
    """For whom a record window is opened, at whose screen."""

    patient: PatientIn
    practitioner: Name = Field(description="The hospital's own id of who sits at the screen.")
    encounter: str = Field("", max_length=100, description="The hospital's own number of the visit.")
    purpose: LaunchPurpose = "TREAT"


class RecordWindowOut(Answer):
    """An address that opens once."""

    url: str
    open_until: Instant
    open_within_s: int = int(OPEN_WITHIN.total_seconds())


def window_out(launch: Launch, url: str) -> RecordWindowOut:
    """As the workstation needs it."""
    return RecordWindowOut(url=url, open_until=launch.open_until)


def asked_of(launch: Launch, *, reason: str = "", purpose: Purpose | None = None) -> Asked:
    """What somebody in an open window asks for."""
    return Asked(
        purpose=purpose or launch.purpose,
        practitioner=launch.practitioner,
        encounter=launch.encounter,
        reason=reason,
        presented=launch.presented,
    )
