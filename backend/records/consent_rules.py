"""What a consent is good for: how it changes, and what it covers at a moment. The clock is handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from backend.errors import AppError, ErrorCode
from backend.records.models import Purpose
from backend.records.sharing_models import Consent, ConsentAct, ConsentState, Terms

# Nobody agrees to something for longer than he remembers it.
LONGEST = timedelta(days=3 * 365)
MOST_RECIPIENTS = 50
# Of which data can be: beyond them a day is a slip of the keyboard.
YEARS = range(1900, 2200)

_S, _A = ConsentState, ConsentAct
TRANSITIONS: dict[tuple[ConsentState, ConsentAct], ConsentState] = {
    (_S.REQUESTED, _A.GRANT): _S.GRANTED,
    (_S.REQUESTED, _A.DENY): _S.DENIED,
    (_S.REQUESTED, _A.LAPSE): _S.EXPIRED,
    (_S.GRANTED, _A.REVOKE): _S.REVOKED,
    (_S.GRANTED, _A.LAPSE): _S.EXPIRED,
}
# What agreeing to a purpose includes: emergency treatment is treatment.
_INCLUDES: dict[Purpose, frozenset[Purpose]] = {
    Purpose.TREAT: frozenset({Purpose.TREAT, Purpose.ETREAT}),
    Purpose.ETREAT: frozenset({Purpose.ETREAT}),
    Purpose.PUBLIC_HEALTH: frozenset({Purpose.PUBLIC_HEALTH}),
}
CONSENTABLE = frozenset(_INCLUDES)


def state_at(consent: Consent, now: datetime) -> ConsentState:
    """The state as of a moment: a request that nobody answered and a grant that ran out have lapsed."""
    lapses_at = consent.lapses_at if consent.state is ConsentState.REQUESTED else consent.terms.expires_at
    if (consent.state, ConsentAct.LAPSE) in TRANSITIONS and lapses_at is not None and now >= lapses_at:
        return TRANSITIONS[consent.state, ConsentAct.LAPSE]
    return consent.state


def step(consent: Consent, act: ConsentAct, now: datetime) -> Consent:
    """The consent after an act. Raises CONFLICT for what cannot happen any more."""
    after = TRANSITIONS.get((state_at(consent, now), act))
    if after is None:
        raise AppError(
            ErrorCode.CONFLICT,
            f"{act} on {state_at(consent, now)}",
            text="该授权已处理或已失效，请刷新后查看。",
        )
    moved = replace(consent, state=after)
    return replace(moved, answered_at=now) if act in (_A.GRANT, _A.DENY) else replace(moved, ended_at=now)


def covers(
    consent: Consent, purpose: Purpose, organization_id: str, departments: frozenset[str], now: datetime
) -> bool:
    """Whether this consent lets somebody of these departments read anything at all now, for this purpose."""
    terms = consent.terms
    if state_at(consent, now) is not ConsentState.GRANTED or purpose not in _INCLUDES.get(
        terms.purpose, frozenset()
    ):
        return False
    if terms.organization_ids is not None and organization_id not in terms.organization_ids:
        return False
    return not terms.department_ids or bool(terms.department_ids & departments)


def suffices(terms: Terms, kinds: frozenset[str] | None) -> bool:
    """Whether everything that is needed lies within the terms, whatever its day."""
    if terms.since is not None or terms.until is not None:
        return False
    return terms.kinds is None or (kinds is not None and kinds <= terms.kinds)


def widest(consents: Iterable[Consent]) -> Consent | None:
    """The consent that lets most be read; of equal ones the newest."""
    return max(consents, key=lambda consent: (*_width(consent.terms), consent.id), default=None)


def narrowed(asked: Terms, granted: Terms) -> bool:
    """Whether what is granted goes nowhere beyond what was asked for."""
    kinds = asked.kinds is None or (granted.kinds is not None and granted.kinds <= asked.kinds)
    since = asked.since is None or (granted.since is not None and granted.since >= asked.since)
    until = asked.until is None or (granted.until is not None and granted.until <= asked.until)
    return (
        kinds
        and since
        and until
        and granted.purpose is asked.purpose
        and granted.organization_ids == asked.organization_ids
        and granted.department_ids == asked.department_ids
        and granted.expires_at <= asked.expires_at
        and granted.sensitive <= asked.sensitive
    )


def check_terms(terms: Terms, known_kinds: frozenset[str], now: datetime) -> None:
    """Raise BAD_REQUEST, naming the field, for terms that nobody could mean."""
    problems = {
        "kinds": terms.kinds is not None and (not terms.kinds or not terms.kinds <= known_kinds),
        "purpose": terms.purpose not in CONSENTABLE,
        "since": terms.since is not None and terms.since.year not in YEARS,
        "until": terms.until is not None
        and (terms.until.year not in YEARS or terms.until < (terms.since or terms.until)),
        "expires_at": not now < terms.expires_at <= now + LONGEST,
        "organization_ids": terms.organization_ids is not None
        and not 0 < len(terms.organization_ids) <= MOST_RECIPIENTS,
        "department_ids": len(terms.department_ids) > MOST_RECIPIENTS
        or bool(terms.department_ids and terms.organization_ids is None),
    }
    fields = [{"field": name, "problem": "invalid"} for name, wrong in problems.items() if wrong]
    if fields:
        raise AppError(ErrorCode.BAD_REQUEST, "terms of a consent", data={"fields": fields})


def _width(terms: Terms) -> tuple[bool, bool, bool, int, float]:
    unlimited = terms.since is None and terms.until is None
    since = -terms.since.toordinal() if terms.since else float("inf")
    return terms.kinds is None, unlimited, terms.sensitive, len(terms.kinds or ()), since
