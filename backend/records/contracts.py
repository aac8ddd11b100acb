"""Contracts (签约): a hospital looks after somebody for a while, and may read what others know meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id
from backend.permissions import Actor
from backend.records.care import Care
from backend.records.contract_store import ContractStore
from backend.records.sharing_models import NOBODY, CareKind, Contract
from backend.worker.events import Event, EventKind

LONGEST = timedelta(days=3 * 366)
# Two who state one contract at once: one of them goes second, and hardly ever third.
_TURNS = 5


class Contracts:
    """States contracts and ends them.

    Each turn of a contract is a relationship of care of its own: whoever writes the next turn ends the one
    before it. So the relationships come out right in whatever order two callers, or a repeat, get to them.
    """

    def __init__(
        self, store: ContractStore, care: Care, audit: AuditService, *, nudge: Callable[[], None]
    ) -> None:
        self._store = store
        self._care = care
        self._audit = audit
        self._nudge = nudge

    async def state(
        self,
        actor: Actor,
        organization_id: str,
        number: str,
        person_id: str,
        begins_on: date,
        until_on: date,
    ) -> Contract:
        """There is this contract. The same again changes nothing. Raises BAD_REQUEST, NOT_FOUND, CONFLICT."""
        _check(begins_on, until_on)
        if person_id == NOBODY:
            # That a number is nobody's is told to who has it on record to have asked.
            await self._audit.record(
                actor, "records.denied", f"person/{NOBODY}", "none", organization_id, {"purpose": "contract"}
            )
            raise not_found("person of this ID number")
        wanted = Contract(
            contract_id(organization_id, number), organization_id, person_id, person_id, begins_on, until_on
        )
        for _ in range(_TURNS):
            before = await self._store.find(wanted.id)
            if before is not None and before.ended_at is not None:
                text = "该编号的签约已终止，再次签约请使用新的编号。"
                raise AppError(ErrorCode.CONFLICT, "an ended contract", text=text)
            after = wanted if before is None else _next(before, wanted)
            if after == before or await self._kept(actor, before, after):
                await self._follow(after)
                return after
        raise AppError(ErrorCode.CONFLICT, "stated by many at once")

    async def end(self, actor: Actor, organization_id: str, number: str) -> None:
        """It is over, at once; once it is, it stays so. Raises NOT_FOUND."""
        for _ in range(_TURNS):
            before = await self._store.find(contract_id(organization_id, number))
            if before is None:
                raise not_found("contract of this number")
            after = before
            if before.ended_at is None:
                after = replace(
                    before, turn=before.turn + 1, ended_at=clock.now(), former_id=before.person_id
                )
                if not await self._store.write(after):
                    continue
                await self._record(actor, "care.end_contract", after)
            await self._follow(after)
            return
        raise AppError(ErrorCode.CONFLICT, "changed by many at once")

    async def _kept(self, actor: Actor, before: Contract | None, after: Contract) -> bool:
        event = Event(
            EventKind.CARE_CONTRACT_STATED,
            {"person_id": after.person_id, "organization_id": after.organization_id},
        )
        if before is None:
            written = await self._store.insert(after, event)
        else:
            # Who has been told is not told again of another last day.
            told = before.person_id == after.person_id
            written = await self._store.write(after, None if told else event)
        if written:
            await self._record(actor, "care.contract", after)
            self._nudge()
        return written

    async def _follow(self, contract: Contract) -> None:
        """The relationship of this turn, and an end to the one before it."""
        place = contract.organization_id
        if contract.ended_at is None:
            await self._care.begin(
                CareKind.CONTRACT,
                contract.person_id,
                place,
                _source(contract, contract.turn),
                begins_at=clock.city_instant(contract.begins_on, 0),
                until=clock.city_instant(contract.until_on, 0),
            )
        if contract.turn > 0:
            before = _source(contract, contract.turn - 1)
            await self._care.end(CareKind.CONTRACT, contract.former_id, place, before)

    async def _record(self, actor: Actor, action: str, contract: Contract) -> None:
        data = {"contract_id": contract.id, "until": contract.until_on.isoformat()}
        about = f"person/{contract.person_id}"
        await self._audit.record(actor, action, about, "contract", contract.organization_id, data)


def contract_id(organization_id: str, number: str) -> str:
    """A hospital's own number of a contract, as everybody else knows it."""
    return named_id("contract", organization_id, number)


def _next(before: Contract, wanted: Contract) -> Contract:
    same = replace(before, person_id=wanted.person_id, begins_on=wanted.begins_on, until_on=wanted.until_on)
    return same if same == before else replace(same, turn=before.turn + 1, former_id=before.person_id)


def _source(contract: Contract, turn: int) -> str:
    return f"{contract.id}.{turn}"


def _check(begins_on: date, until_on: date) -> None:
    if not begins_on <= until_on <= begins_on + LONGEST:
        wrong = [{"field": "until_on", "problem": "not before from_on, and at most three years after it"}]
        raise AppError(ErrorCode.BAD_REQUEST, "days of a contract", data={"fields": wrong})
