"""Rational medication: what speaks against new medicines is told before they are prescribed, and answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id, new_id
from backend.medication import taken
from backend.medication.judging import ORDER, Alert, Kind, Severity, judge
from backend.medication.models import Action, Answered, MedicationCheck, answered
from backend.medication.rules import Rules, rules_of
from backend.medication.store import MedicationStore
from backend.medication.understanding import Medicine, understand
from backend.patient_index.models import Chart, ChartNumber
from backend.permissions import Actor
from backend.records.gate import Gate, organization_of
from backend.records.models import Basis, Purpose
from backend.records.reading import RecordReader
from backend.records.sharing_models import Asked
from backend.rulebooks.service import Rulebook

_ATTEMPTS = 8


class People(Protocol):
    """Whom a hospital means."""

    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None: ...
    async def person_by_id_number(self, id_number: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Reminder:
    """An examination that has been made not long ago."""

    name: str
    text: str
    organization_id: str
    resource_id: str


# What another area knows of examinations that are about to be ordered with the medicines.
Examinations = Callable[[Basis, str, Sequence[str]], Awaitable[Sequence[Reminder]]]


@dataclass(frozen=True, slots=True)
class Prescribed:
    """A medicine about to be prescribed, as the hospital names it."""

    name: str
    codings: tuple[tuple[str, str], ...] = ()
    route: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workstation asks."""

    medicines: tuple[Prescribed, ...]
    practitioner: str
    number: ChartNumber | None = None
    id_number: str = ""
    encounter: str = ""
    purpose: Purpose = Purpose.TREAT
    reason: str = ""
    examinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A check with what could not be looked at: a medicine that the rules do not know."""

    check: MedicationCheck
    not_understood: tuple[str, ...]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as it comes in."""

    alert_id: str
    action: Action
    reason: str = ""
    text: str = ""


class MedicationService:
    """Checks before prescribing, and the answers."""

    def __init__(
        self,
        store: MedicationStore,
        *,
        rules: Rulebook,
        people: People,
        gate: Gate,
        reader: RecordReader,
        audit: AuditService,
        examinations: Examinations,
    ) -> None:
        self.rules = rules
        self._store = store
        self._people = people
        self._gate = gate
        self._reader = reader
        self._audit = audit
        self._examinations = examinations
        self._read: Rules | None = None

    async def rules_in_force(self) -> Rules:
        """The rules that count today; made once for each edition."""
        edition = await self.rules.in_force()
        if self._read is None or self._read.edition != edition.number:
            self._read = rules_of(edition)
        return self._read

    async def check(self, actor: Actor, wanted: Wanted) -> Checked:
        """Every alert, and what could not be looked at. Raises NOT_FOUND, and what the gate refuses with."""
        organization_id = organization_of(actor)
        basis = await self._gate.care(actor, await self._person(organization_id, wanted), _asked(wanted))
        rules = await self.rules_in_force()
        new = [
            understand(rules, organization_id, each.name, each.codings, each.route)
            for each in wanted.medicines
        ]
        alerts = await self._judge(basis, rules, new)
        alerts += await self._reminders(basis, organization_id, wanted.examinations)
        check = MedicationCheck(
            id=new_id(),
            organization_id=organization_id,
            person_id=basis.person_id,
            edition=rules.edition,
            at=clock.now(),
            practitioner=wanted.practitioner,
            encounter=wanted.encounter,
            medicines=tuple(each.name for each in wanted.medicines),
            alerts=tuple(sorted(alerts, key=lambda each: ORDER.index(each.severity))),
        )
        await self._store.insert(check)
        missed = tuple(sorted(each.name for each in new if not each.understood))
        return Checked(check, missed, dict(rules.reasons))

    async def answer(
        self, actor: Actor, check_id: str, practitioner: str, said: Sequence[Said]
    ) -> MedicationCheck:
        """Write down the answers; safe to repeat. Raises NOT_FOUND, BAD_REQUEST, DECISION_CLOSED."""
        for _ in range(_ATTEMPTS):
            check = await self._access(actor, check_id)
            rules = rules_of(await self.rules.read(check.edition)) if check.edition else Rules(0)
            after = check
            for each in said:
                after = answered(after, _answer(after, rules, practitioner, each))
            if after is check:
                return check
            if await self._store.write(after):
                await self._record(actor, check, after, practitioner)
                return replace(after, turn=after.turn + 1)
        raise AppError(ErrorCode.CONFLICT, "the check is being answered elsewhere")

    async def list_checks(
        self, actor: Actor, cursor: str | None, limit: int
    ) -> tuple[list[MedicationCheck], str | None]:
        """Checks with alerts of the actor's hospitals, the newest first."""
        within = None if actor.organization_ids is None else sorted(actor.organization_ids)
        found = await self._store.list_checks(within, cursor, limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def _judge(self, basis: Basis, rules: Rules, new: Sequence[Medicine]) -> list[Alert]:
        today = clock.today()
        medicines = await self._reader.search(basis, taken.medicines_query(today))
        allergic = await self._reader.search(basis, taken.allergies_query())
        in_use = taken.in_use(rules, medicines.items, today)
        return judge(rules, new, in_use, taken.allergies(allergic.items))

    async def _reminders(self, basis: Basis, organization_id: str, codes: Sequence[str]) -> list[Alert]:
        reminders = await self._examinations(basis, organization_id, codes) if codes else []
        return [
            Alert(
                id=named_id(Kind.EXAMINATION, each.name, each.resource_id),
                kind=Kind.EXAMINATION,
                severity=Severity.CAUTION,
                medicine="",
                other=each.name,
                text=each.text,
                rule="repeated-examination",
                organization_id=each.organization_id,
                resource_id=each.resource_id,
            )
            for each in reminders
        ]

    async def _person(self, organization_id: str, wanted: Wanted) -> str:
        person_id = None
        if wanted.number is not None:
            chart = await self._people.find_chart(organization_id, wanted.number)
            person_id = chart.person_id if chart else None
        elif wanted.id_number:
            person_id = await self._people.person_by_id_number(wanted.id_number)
        if person_id is None:
            raise not_found("no such patient")
        return person_id

    async def _access(self, actor: Actor, check_id: str) -> MedicationCheck:
        check = await self._store.find(check_id)
        if check is None or check.organization_id != organization_of(actor):
            raise not_found("check")
        return check

    async def _record(
        self, actor: Actor, before: MedicationCheck, after: MedicationCheck, practitioner: str
    ) -> None:
        new = [each for each in after.answers.values() if before.answers.get(each.alert_id) != each]
        data = {
            "person": after.person_id,
            "practitioner": practitioner,
            "accepted": sum(each.action is Action.ACCEPTED for each in new),
            "overridden": sorted(each.reason for each in new if each.action is Action.OVERRIDDEN),
        }
        about = f"medication/{after.id}"
        await self._audit.record(
            actor, "medication.answered", about, "合理用药提示", after.organization_id, data
        )


def _asked(wanted: Wanted) -> Asked:
    return Asked(
        purpose=wanted.purpose,
        practitioner=wanted.practitioner,
        encounter=wanted.encounter,
        reason=wanted.reason,
        presented=bool(wanted.id_number),
    )


def _answer(check: MedicationCheck, rules: Rules, practitioner: str, said: Said) -> Answered:
    alert = check.alert(said.alert_id)
    if alert is None:
        raise _bad("alert", "unknown")
    if said.action is Action.OVERRIDDEN and alert.needs_reason and said.reason not in rules.reasons:
        raise _bad("reason", "unknown")
    return Answered(alert.id, said.action, practitioner, clock.now(), said.reason, said.text)


def _bad(field: str, problem: str) -> AppError:
    about = {"fields": [{"field": f"answers.{field}", "problem": problem}]}
    return AppError(ErrorCode.BAD_REQUEST, data=about)
