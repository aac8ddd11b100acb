"""Births as hospitals note them: once each, and not two for one child."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.births.belonging import UNFILED
from backend.births.birth_store import BirthStore
from backend.births.models import Birth, BirthFacts, BirthState, Parent
from backend.births.rules import Rules
from backend.births.store import FilingStore
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id
from backend.permissions import Actor
from backend.residents.register import read_identity

# The id of the person of a name, an ID number and perhaps a phone, known or new.
FileOf = Callable[[str, str, str | None], Awaitable[str]]
_TRIES = 8
LONGEST_REMARK = 200
# Clocks of hospitals run ahead a little.
_AHEAD = timedelta(minutes=10)
# So old a birth is a slip of the pen, or no date that every calendar has.
_LONG_AGO = timedelta(days=20 * 365)


class Noting:
    """Takes notices of births."""

    def __init__(
        self, births: BirthStore, filings: FilingStore, rules: Rules, file_of: FileOf, audit: AuditService
    ) -> None:
        self._births = births
        self._filings = filings
        self._rules = rules
        self._file_of = file_of
        self._audit = audit

    async def note(
        self,
        actor: Actor,
        organization_id: str,
        external_id: str,
        facts: BirthFacts,
        mother: Parent,
        other: Parent | None,
    ) -> Birth:
        """A hospital notes a birth, or corrects what it noted; the same again changes nothing.

        Raises NOT_FOUND for another's hospital, BAD_REQUEST, CONFLICT once the parents have handed it in.
        """
        if not actor.covers(organization_id):
            raise not_found(f"organization {organization_id}")
        if (
            not external_id.isprintable()
            or not -_LONG_AGO < facts.born_at - clock.now() < _AHEAD
            or not 1 <= facts.order <= facts.of
        ):
            raise AppError(ErrorCode.BAD_REQUEST, "facts", text="编号、出生时间或胎次有误，请核对后再传。")
        mother = await self._known(mother)
        other = await self._known(other) if other else None
        for _ in range(_TRIES):
            birth_id = named_id("birth", organization_id, external_id)
            before = await self._births.find(birth_id)
            now = clock.now()
            birth = Birth(
                birth_id, organization_id, external_id, BirthState.NOTED, before.turn if before else 0,
                facts, mother, other, before.created_at if before else now, now,
                remark=before.remark if before else "",
            )  # fmt: skip
            birth = await self._doubted(birth, before)
            if before is None:
                done = await self._births.insert(birth)
            elif _same(before, birth):
                return before
            else:
                await self._refuse_when_filed(before)
                done = await self._births.write(birth)
            if done:
                await self._record(actor, "births.note", birth)
                return birth
        raise AppError(ErrorCode.UNAVAILABLE, "the birth is being changed")

    async def read(self, actor: Actor, organization_id: str, external_id: str) -> Birth:
        """What a hospital noted itself. Raises NOT_FOUND."""
        birth = await self._births.find(named_id("birth", organization_id, external_id))
        if birth is None or not actor.covers(birth.organization_id):
            raise not_found(f"birth {external_id}")
        return birth

    async def void(self, actor: Actor, organization_id: str, external_id: str, reason: str) -> Birth:
        """A hospital takes a notice back. Raises NOT_FOUND, CONFLICT, REASON_REQUIRED."""
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        for _ in range(_TRIES):
            birth = await self.read(actor, organization_id, external_id)
            if birth.state is BirthState.VOID:
                return birth
            await self._refuse_when_filed(birth)
            void = replace(birth, state=BirthState.VOID, remark=reason.strip(), updated_at=clock.now())
            if await self._births.write(void):
                await self._record(actor, "births.void", birth)
                return void
        raise AppError(ErrorCode.UNAVAILABLE, "the birth is being changed")

    async def doubtful(self, actor: Actor, limit: int) -> list[Birth]:
        """Births within the actor's hospitals that look like others."""
        within = None if actor.organization_ids is None else sorted(actor.organization_ids)
        return await self._births.doubtful(within, limit)

    async def likes(self, actor: Actor, births: Sequence[Birth]) -> dict[str, Birth]:
        """By the id of each of these, the birth it looks like; other hospitals' births stay out."""
        found = await self._births.list_by_ids([birth.like for birth in births if birth.like])
        seen = {birth.id: birth for birth in found if actor.covers(birth.organization_id)}
        return {birth.id: seen[birth.like] for birth in births if birth.like in seen}

    async def decide(self, actor: Actor, birth_id: str, *, same: bool, reason: str) -> Birth:
        """Staff say whether it is the same birth. Raises NOT_FOUND, CONFLICT, REASON_REQUIRED."""
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        birth = await self._births.find(birth_id)
        if birth is None or not actor.covers(birth.organization_id):
            raise not_found(f"birth {birth_id}")
        if birth.state is not BirthState.DOUBTFUL:
            raise AppError(ErrorCode.CONFLICT, "not doubtful")
        state = BirthState.DUPLICATE if same else BirthState.NOTED
        # `like` stays: a notice corrected later is not doubted for the same reason again.
        said = reason.strip()[:LONGEST_REMARK]
        decided = replace(birth, state=state, remark=said, updated_at=clock.now())
        if not await self._births.write(decided):
            raise AppError(ErrorCode.CONFLICT, "changed meanwhile")
        # What was written may name people: it is sealed with the birth, and on the audit log is its length.
        told = {"same": str(same).lower(), "reason_length": str(len(said))}
        await self._record(actor, "births.decide_doubtful", birth, **told)
        return decided

    async def forget_parent(self, person_id: str) -> None:
        """Whoever has no account any more files no births."""
        for birth in await self._births.of_parent(person_id):
            mother, other = birth.mother, birth.other
            if mother.person_id == person_id:
                mother = replace(mother, person_id="")
            if other is not None and other.person_id == person_id:
                other = replace(other, person_id="")
            await self._births.write(replace(birth, mother=mother, other=other))

    async def _known(self, parent: Parent) -> Parent:
        """The parent as everybody is asked about him: with the name and number in their one form."""
        person_id = await self._file_of(parent.name, parent.id_number, parent.phone or None)
        name, number = read_identity(parent.name, parent.id_number)
        return replace(parent, name=name, id_number=number.text, person_id=person_id)

    async def _doubted(self, birth: Birth, before: Birth | None) -> Birth:
        """The birth with a doubt, if its mother has borne too lately. Decided doubts stay decided."""
        if before is not None and before.like and before.mother.id_number == birth.mother.id_number:
            return replace(birth, state=before.state, like=before.like)
        for known in await self._births.of_parent(birth.mother.person_id):
            if known.id != birth.id and _is_live(known) and self._too_near(birth, known):
                return replace(birth, state=BirthState.DOUBTFUL, like=known.id)
        return birth

    def _too_near(self, one: Birth, other: Birth) -> bool:
        if one.mother.person_id != other.mother.person_id:
            return False
        apart = abs(one.facts.born_at - other.facts.born_at)
        siblings = (
            one.facts.of > 1
            and one.facts.of == other.facts.of
            and one.facts.order != other.facts.order
            and apart <= timedelta(days=self._rules.siblings_within_days)
        )
        return not siblings and apart <= timedelta(days=self._rules.duplicate_within_days)

    async def _refuse_when_filed(self, birth: Birth) -> None:
        filings = await self._filings.of_birth(birth.id)
        if any(filing.state not in UNFILED for filing in filings):
            raise AppError(
                ErrorCode.CONFLICT, "filed", text="家长已提交申请，出生信息不能再改，请联系市级工作人员。"
            )

    async def _record(self, actor: Actor, action: str, birth: Birth, **data: str) -> None:
        await self._audit.record(
            actor, action, f"birth/{birth.id}", "出生信息登记", birth.organization_id, data
        )


def _is_live(birth: Birth) -> bool:
    return birth.state in (BirthState.NOTED, BirthState.DOUBTFUL)


def _same(before: Birth, after: Birth) -> bool:
    return replace(after, updated_at=before.updated_at, state=before.state) == before
