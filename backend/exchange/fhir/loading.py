"""A file of resources, one a line (NDJSON), taken in as it comes: in bounded memory, safe to send again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.definitions import served_types
from backend.exchange.fhir.http import issue_of, parsed
from backend.exchange.fhir.intake import Intake
from backend.exchange.fhir.intake_models import Done, Wanted, content_key
from backend.exchange.fhir.issues import Issue, Refused, RefusedError, outcome, refuse
from backend.exchange.fhir.loads_store import Load, LoadStore
from backend.ids import named_id, new_id
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.models import Outcome

# So many lines, or so many bytes of them, are written in one step.
LINES, BYTES = 200, 1024 * 1024
LONGEST_LINE = 8 * 1024 * 1024
_AT_ONCE = 10


@dataclass(slots=True)
class _Batch:
    """Some lines and what becomes of them."""

    wanted: dict[int, Wanted] = field(default_factory=dict)
    refused: dict[int, dict[str, Any]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)


class Loading:
    """Files of hospitals."""

    def __init__(self, store: LoadStore, intake: Intake) -> None:
        self._store = store
        self._intake = intake

    async def begin(self, actor: Actor, key: str | None) -> Load:
        """A load; under the same key the one that was begun, to go on with."""
        organization_id = organization_of(actor)
        id = named_id("fhir-load", organization_id, key) if key else new_id()
        return await self._store.begin(id, organization_id)

    async def access(self, actor: Actor, id: str) -> Load:
        """A load of the actor's own. Raises a refusal as of one that is not there."""
        load = await self._store.find(id)
        if load is None or load.organization_id != organization_of(actor):
            raise refuse(Refused.NOT_FOUND, "There is no such load of yours.")
        return load

    async def refusals(self, load: Load) -> list[dict[str, Any]]:
        """An OperationOutcome for each line that was refused; each says which."""
        return [_at_line(outcome_, line) async for line, outcome_ in self._store.refusals(load.id)]

    async def take(self, actor: Actor, load: Load, lines: Sequence[bytes]) -> Load:
        """The next lines; the load as it stands afterwards. Raises CONFLICT when two send the same file."""
        batch = await self._read(lines, load.lines)
        await self._write(actor, batch)
        changed = sum(each.outcome in (Outcome.CREATED, Outcome.UPDATED) for each in batch.done)
        counts = {
            "lines": len(lines),
            "written": changed,
            "unchanged": len(batch.done) - changed,
            "refused": len(batch.refused),
        }
        if not await self._store.advance(load, counts, batch.refused):
            raise AppError(ErrorCode.CONFLICT, "the same file is being loaded twice")
        return replace(load, **{name: getattr(load, name) + count for name, count in counts.items()})

    async def finish(self, load: Load) -> Load:
        """That was all."""
        await self._store.finish(load)
        return replace(load, state="done")

    async def _read(self, lines: Sequence[bytes], before: int) -> _Batch:
        batch = _Batch()
        for number, line in enumerate(lines, before + 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if not line.strip():
                continue
            try:
                batch.wanted[number] = _wanted(line)
            except RefusedError as error:
                batch.refused[number] = error.outcome()
        return batch

    async def _write(self, actor: Actor, batch: _Batch) -> None:
        """All in one step; when something is refused, each by itself, to know which."""
        if not batch.wanted:
            return
        try:
            batch.done = await self._intake.write(
                actor, list(batch.wanted.values()), kind="bulk", trusting=True
            )
        except (RefusedError, AppError) as error:
            if isinstance(error, AppError) and error.status >= 500:
                raise
            for number, wanted in _patients_first(batch.wanted):
                await self._write_one(actor, batch, number, wanted)

    async def _write_one(self, actor: Actor, batch: _Batch, number: int, wanted: Wanted) -> None:
        try:
            batch.done += await self._intake.write(actor, [wanted], kind="bulk", trusting=True)
        except RefusedError as error:
            batch.refused[number] = error.outcome()
        except AppError as error:
            if error.status >= 500:
                raise
            batch.refused[number] = outcome([issue_of(error)])


def _wanted(line: bytes) -> Wanted:
    body = parsed(line)
    wrong = problems(body)
    if wrong:
        raise RefusedError(*wrong)
    kind = body["resourceType"]
    if kind not in served_types():
        raise RefusedError(Issue(Refused.TYPE_UNKNOWN, f"Resources of type {kind} are not kept here."))
    id = str(body.get("id", ""))
    return Wanted("PUT" if id else "POST", kind, body, id, local=True, key="" if id else content_key(body))


def _patients_first(wanted: dict[int, Wanted]) -> list[tuple[int, Wanted]]:
    return sorted(wanted.items(), key=lambda each: each[1].type != "Patient")


def _at_line(found: dict[str, Any], line: int) -> dict[str, Any]:
    issues = [
        each | {"diagnostics": f"line {line}: {each.get('diagnostics', '')}"} for each in found["issue"]
    ]
    return outcome(issues)
