"""Whatever is granted, taken back, begun, ended or broken, in whatever order: only what is allowed is read.

The rules are said here once more, by days and plain sets, and otherwise than in the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import clock
from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.records.models import Purpose
from backend.records.sharing_models import Asked, CareKind, ConsentState
from backend.reports.image_models import ImageQuery, Stored
from backend.reports.images import Treated
from backend.reports.studies import study_id
from tests.factories.records import make_chart, make_resources
from tests.factories.reports import a_picture_of, make_image
from tests.factories.residents import make_resident
from tests.factories.sharing import (
    DOCTOR,
    Shared,
    a_condition,
    a_medicine,
    a_special_condition,
    an_allergy,
    make_place,
)

# Name, kind, day, whether it is especially sensitive.
THINGS = (
    ("hypertension", "diagnosis", date(2026, 1, 10), False),
    ("hiv", "diagnosis", date(2026, 1, 10), True),
    ("penicillin", "allergy", date(2020, 5, 1), False),
    ("nifedipine", "medicine", date(2026, 1, 10), False),
    # A picture: no resource, and yet read through the study that it belongs to.
    ("ct", "imaging", date(2004, 1, 19), False),
)
KINDS = st.sampled_from(
    [None, frozenset({"diagnosis"}), frozenset({"allergy", "medicine"}), frozenset({"imaging"})]
)
DAYS = st.integers(1, 20)
GRANT = st.tuples(
    st.just("grant"),
    st.fixed_dictionaries(
        {
            "kinds": KINDS,
            "since": st.sampled_from([None, date(2025, 1, 1)]),
            "sensitive": st.booleans(),
            "days": DAYS,
            "to": st.sampled_from(["away", "elsewhere", "all", "department", "other department"]),
            "purpose": st.sampled_from([Purpose.TREAT, Purpose.TREAT, Purpose.PUBLIC_HEALTH]),
        }
    ),
)
STEPS = st.one_of(
    GRANT,
    st.tuples(st.just("ask"), st.sampled_from(["grant", "deny", "leave"])),
    st.tuples(st.just("revoke"), st.integers(0, 3)),
    st.tuples(st.just("care"), DAYS),
    st.tuples(st.just("end care"), st.just(0)),
    st.tuples(st.just("break"), st.just(0)),
    st.tuples(st.just("days pass"), DAYS),
    st.tuples(st.just("read"), st.sampled_from([Purpose.TREAT, Purpose.PUBLIC_HEALTH, Purpose.BREAK_GLASS])),
)


@dataclass
class Rule:
    """Something that lets somebody read, until a day, and what."""

    purposes: set[Purpose]
    things: set[str]
    until: datetime
    over: bool = False


@dataclass
class Model:
    """What may be read, kept as a list of rules."""

    now: datetime
    consents: list[Rule] = field(default_factory=list)
    care: list[Rule] = field(default_factory=list)
    glass: Rule | None = None

    def grant(self, said: dict[str, Any]) -> None:
        things = {
            name
            for name, kind, on, special in THINGS
            if (said["kinds"] is None or kind in said["kinds"])
            and (said["since"] is None or on >= said["since"])
            and (said["sensitive"] or not special)
        }
        here = said["to"] in ("away", "all", "department")
        purposes = {said["purpose"]} if here else set[Purpose]()
        self.consents.append(Rule(purposes, things, self.now + timedelta(days=said["days"])))

    def allowed(self, purpose: Purpose) -> set[str] | None:
        """Everything that some rule allows now; None when nothing lets anybody in."""
        holding = [rule for rule in (*self.consents, *self.care) if self._holds(rule, purpose)]
        if purpose is Purpose.BREAK_GLASS:
            # A consent to treatment saves the breaking; otherwise the glass must be open.
            holding = [rule for rule in self.consents if self._holds(rule, Purpose.TREAT)]
            if self.glass is not None and self._holds(self.glass, purpose):
                holding.append(self.glass)
            elif not any(rule.things == {name for name, *_ in THINGS} for rule in holding):
                return None
        return set().union(*(rule.things for rule in holding)) if holding else None

    def is_treated(self, purpose: Purpose) -> bool:
        """Whether a relationship of care holds, which opens all that is ordinary."""
        return any(self._holds(rule, purpose) for rule in self.care)

    def _holds(self, rule: Rule, purpose: Purpose) -> bool:
        return not rule.over and self.now < rule.until and purpose in rule.purposes


class World:
    """The code and the model side by side, and a clock that can be put forward."""

    def __init__(self, shared: Shared, names: dict[str, str], moved: list[timedelta]) -> None:
        self.shared, self.names, self.moved = shared, names, moved
        self.model = Model(clock.now())
        self.given: list[tuple[str, Rule]] = []
        self.cared: list[str] = []
        self.reads: list[set[str]] = []

    async def do(self, what: str, how: Any) -> None:
        self.model.now = clock.now()
        await getattr(self, "_" + what.replace(" ", "_"))(how)

    async def _grant(self, how: dict[str, Any]) -> None:
        place = self.shared.away
        to = {"away": {place.id}, "elsewhere": {self.shared.home.id}, "all": None}.get(how["to"], {place.id})
        departments = {"department": {place.department.id}}.get(how["to"], set())
        if how["to"] == "other department":
            to, departments = {self.shared.home.id, place.id}, {self.shared.home.department.id}
        terms = self.shared.terms(
            kinds=how["kinds"],
            since=how["since"],
            sensitive=how["sensitive"],
            purpose=how["purpose"],
            expires_at=clock.now() + timedelta(days=how["days"]),
            organization_ids=None if to is None else frozenset(to),
            department_ids=frozenset(departments),
        )
        me = self.shared.person
        consent = await self.shared.services.sharing.consents.give(me.actor, me.id, terms, None)
        self.model.grant(how)
        self.given.append((consent.id, self.model.consents[-1]))

    async def _ask(self, answer: str) -> None:
        consents, me = self.shared.services.sharing.consents, self.shared.person
        terms = self.shared.terms(expires_at=clock.now() + timedelta(days=15))
        asked = await consents.ask(self.shared.away.actor, me.id, terms, DOCTOR, "会诊")
        if answer == "deny":
            await consents.deny(me.actor, asked.id)
        elif answer == "grant":
            await consents.grant(me.actor, asked.id, None)
            said = {"kinds": None, "since": None, "sensitive": False, "to": "away", "purpose": Purpose.TREAT}
            self.model.grant(said | {"days": 15})
            self.given.append((asked.id, self.model.consents[-1]))

    async def _revoke(self, number: int) -> None:
        if number >= len(self.given):
            return
        consent_id, rule = self.given[number]
        me, consents = self.shared.person.actor, self.shared.services.sharing.consents
        if not rule.over and self.model.now >= rule.until:
            with pytest.raises(AppError) as refused:
                await consents.revoke(me, consent_id)
            assert refused.value.code is ErrorCode.CONFLICT
            return
        assert (await consents.revoke(me, consent_id)).state is ConsentState.REVOKED
        rule.over = True

    async def _care(self, days: int) -> None:
        now, source = clock.now(), f"contract {len(self.cared)}"
        made = await self.shared.services.sharing.care.begin(
            CareKind.CONTRACT,
            self.shared.person.id,
            self.shared.away.id,
            source,
            begins_at=now,
            until=now + timedelta(days=days),
        )
        self.cared.append(source)
        ordinary = {name for name, _, _, special in THINGS if not special}
        self.model.care.append(Rule({Purpose.TREAT}, ordinary, made.ends_at))

    async def _end_care(self, _: int) -> None:
        for source, rule in zip(self.cared, self.model.care, strict=True):
            await self.shared.services.sharing.care.end(
                CareKind.CONTRACT, self.shared.person.id, self.shared.away.id, source
            )
            rule.over = True

    async def _break(self, _: int) -> None:
        await self._read(Purpose.BREAK_GLASS, "02 心梗抢救，家属未到")

    async def _days_pass(self, days: int) -> None:
        self.moved[0] += timedelta(days=days)

    async def _read(self, purpose: Purpose, reason: str = "") -> None:
        services, me = self.shared.services, self.shared.person
        asked = Asked(purpose, DOCTOR, reason=reason, presented=True)
        allowed = self.model.allowed(purpose)
        if allowed is None and reason:
            everything = {name for name, *_ in THINGS}
            until = self.model.now + timedelta(minutes=services.settings.break_glass_minutes)
            self.model.glass = Rule({Purpose.BREAK_GLASS}, everything, until)
            allowed = everything
        if allowed is None:
            with pytest.raises(AppError) as refused:
                await services.record_gate.care(self.shared.away.actor, me.id, asked)
            assert refused.value.code in (ErrorCode.RECORD_ACCESS_DENIED, ErrorCode.REASON_REQUIRED)
            with pytest.raises(AppError) as refused:
                await self._pictures(asked)
            assert refused.value.code is ErrorCode.NOT_FOUND
            return
        basis = await services.record_gate.care(self.shared.away.actor, me.id, asked)
        found = await services.record_reader.timeline(basis, limit=100)
        read = {self.names[each.id] for each in found.items}
        assert read <= allowed, f"{read - allowed} was read beyond what is allowed"
        self.reads.append({each.id for each in found.items})
        seen = await self._pictures(asked)
        assert not seen or "ct" in allowed, "a picture was seen beyond what is allowed"
        assert seen or not self.model.is_treated(purpose), "who treats sees pictures"
        self.reads.append({study_id(each) for each in seen})

    async def _pictures(self, asked: Asked) -> list[Stored]:
        images, treated = self.shared.services.reports.images, Treated(self.shared.person.id, asked)
        return await images.of_treated(self.shared.away.actor, treated, ImageQuery())

    async def check_log(self) -> None:
        """The access log equals the accesses: as many, of the same things, by the same doctor."""
        accesses, me = self.shared.services.sharing.accesses, self.shared.person
        seen, more = await accesses.list_of(me.actor, me.id, own=True, cursor=None, limit=100)
        assert more is None
        assert [access.count for access in reversed(seen)] == [len(read) for read in self.reads]
        entries = self.shared.services.db.collection("audit").find(
            {"action": "records.read", "object": f"person/{me.id}"}, sort=[("number", 1)]
        )
        logged = [set(entry["data"]["resources"]) async for entry in entries]
        assert logged == self.reads
        assert all(access.practitioner.startswith("单丽华") for access in seen)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """How far the clock has been put forward."""
    by, now = [timedelta(0)], clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + by[0])
    return by


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=14))
async def test_no_sequence_lets_anything_through_that_the_rules_do_not_allow(
    city: City, moved: list[timedelta], steps: list[tuple[str, Any]]
):
    moved[0] = timedelta(0)
    services = city.services
    home, away = await make_place(services, "home"), await make_place(services, "away")
    person = await make_resident(services)
    chart = await make_chart(services, home.id, name=person.name, id_number=person.id_number)
    bodies = (a_condition(), a_special_condition(), an_allergy(), a_medicine())
    # More than a page used to be named of: the log has to name all of it.
    more = [a_medicine(f"硝苯地平片 {number} 号") for number in range(52)]
    written = await make_resources(services, chart, *bodies, *more)
    names = {each.id: name for each, (name, *_) in zip(written, THINGS, strict=False)}
    names |= {each.id: "nifedipine" for each in written[len(bodies) :]}
    names[study_id(await make_image(services, home.id, a_picture_of(chart.number.value)))] = "ct"
    world = World(Shared(services, home, away, person, chart), names, moved)
    for what, how in steps:
        await world.do(what, how)
        await world.do("read", Purpose.TREAT)
    await world.check_log()
