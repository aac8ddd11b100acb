"""What a hospital writes: planned and checked as a whole, then all is written in one step, new charts too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.finding import Finder
from backend.exchange.fhir.intake_models import Done, Wanted
from backend.exchange.fhir.issues import Refused, RefusedError, refuse
from backend.exchange.fhir.names_store import PatientNames
from backend.exchange.fhir.patching import patched
from backend.exchange.fhir.planning import Parts, Plan, Planning
from backend.exchange.fhir.ports import Index, Records
from backend.ids import new_id
from backend.patient_index.models import ChartTakenError
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.ids import is_resource_id
from backend.records.models import Incoming, Outcome, Resource, Source, SourceKind, Written
from backend.records.sharing_models import Asked

# A chart that we mean to make may be made by another process: then all is planned anew.
_TRIES = 5


class Intake:
    """Writes for one hospital what its system sends."""

    def __init__(
        self, records: Records, index: Index, finder: Finder, names: PatientNames, base: str
    ) -> None:
        self._records = records
        self._index = index
        self._names = names
        self._parts = Parts(records, index, finder, names, base)

    async def write(
        self,
        actor: Actor,
        wanted: Sequence[Wanted],
        *,
        gone: Sequence[str] = (),
        kind: SourceKind = "fhir",
        trusting: bool = False,
    ) -> list[Done]:
        """Write all of it or nothing: what is refused leaves no chart behind either.

        Raises RefusedError with every reason that was found. `trusting`: references by the sender's own ids
        may lead to what comes later (files).
        """
        organization_id = organization_of(actor)
        source = Source(kind, new_id(), organization_id, clock.now())
        for _ in range(_TRIES):
            planning = Planning(self._parts, actor, organization_id, trusting)
            await planning.plan(wanted)
            try:
                done = await self._carry_out(planning, organization_id, source, gone)
            except AppError as error:
                raise translated(error) from error
            if done is not None:
                return done
        raise AppError(ErrorCode.UNAVAILABLE, "the same charts are being made by others")

    async def _carry_out(
        self, planning: Planning, organization_id: str, source: Source, gone: Sequence[str]
    ) -> list[Done] | None:
        """Make the charts and write, in one step; None when somebody else has made a chart meanwhile."""
        incoming = [
            Incoming(plan.wanted.type, plan.owner, plan.body, id=plan.id, if_version=plan.wanted.if_version)
            for plan in planning.plans
            if not plan.matched
        ]
        new = [person for person in planning.people.values() if person.is_new]
        if new:
            # What is refused asks nobody about an ID number.
            coming = [person.chart_id for person in new]
            await self._records.check(organization_id, incoming, source, gone=gone, coming=coming)
        beginning = [
            await self._index.begin_chart(
                organization_id, person.number, person.who, source, id=person.chart_id
            )
            for person in new
        ]
        try:
            made = await self._records.write(
                organization_id, incoming, source, gone=gone, beginning=beginning
            )
        except ChartTakenError:
            return None
        for each in beginning:
            await each.follow()
        written = iter(made)
        for person in planning.people.values():
            if not person.is_new:
                await self._index.chart_for(organization_id, person.number, person.who, source)
        for name, chart_id in planning.names.items():
            await self._names.keep(organization_id, name, chart_id)
        return [_done(plan, None if plan.matched else next(written)) for plan in planning.plans]

    async def patch(
        self, actor: Actor, type: str, id: str, steps: Any, if_version: int | None, asked: Asked
    ) -> Done:
        """Change parts of a resource of the sender's own, over the version that they were tried on."""
        await self.check_own(actor, type, id)
        for _ in range(_TRIES):
            found = await self._parts.finder.one(actor, type, id, asked, whole=False)
            if not isinstance(found, Resource):
                break
            if if_version not in (None, found.version):
                raise translated(AppError(ErrorCode.VERSION_CONFLICT))
            body = patched(found.body, steps)
            if wrong := problems(body):
                raise RefusedError(*wrong)
            try:
                wanted = Wanted("PUT", type, body, id, if_version=found.version)
                (done,) = await self.write(actor, [wanted])
            except RefusedError as error:
                overtaken = error.issues[0].refused is Refused.VERSION_CONFLICT
                if if_version is not None or not overtaken:
                    raise
            else:
                return done
        raise AppError(ErrorCode.UNAVAILABLE, "the resource is being changed by others")

    async def delete(self, actor: Actor, type: str, id: str, if_version: int | None) -> int:
        """Take a resource back; answers the version of its absence. Raises NOT_FOUND."""
        await self.check_deletable(actor, type, id)
        organization_id = organization_of(actor)
        source = Source("fhir", new_id(), organization_id, clock.now())
        try:
            return (await self._records.delete(organization_id, id, source, if_version=if_version)).version
        except AppError as error:
            raise translated(error) from error

    async def delete_matching(self, actor: Actor, type: str, criteria: str, if_version: int | None) -> None:
        """Take the one resource back that fits a search, if there is one. Raises when more than one does."""
        found = await self._parts.finder.ids(actor, type, criteria)
        if len(found) > 1:
            raise refuse(Refused.CONDITION_MANY, "More than one resource fits the condition.")
        for id in found:
            await self.delete(actor, type, id, if_version)

    async def check_own(self, actor: Actor, type: str, id: str) -> None:
        """Raise unless this is a resource of the sender's."""
        standing = await self._records.standing(organization_of(actor), [id]) if is_resource_id(id) else {}
        if id not in standing or standing[id].type != type:
            raise refuse(Refused.NOT_FOUND, f"There is no {type} of this id.")

    async def check_deletable(self, actor: Actor, type: str, id: str) -> None:
        """Raise unless this is a resource of the sender's that may be taken back."""
        await self.check_own(actor, type, id)
        if type == "Patient":
            raise refuse(
                Refused.CHART_FIXED,
                "A Patient is not deleted: mark it inactive, or merge it (HL7 v2 ADT^A40).",
            )


def _done(plan: Plan, written: Written | None) -> Done:
    if written is None:
        return Done(plan.wanted.type, plan.id, 0, Outcome.UNCHANGED)
    return Done(plan.wanted.type, written.id, written.version, written.outcome)


def translated(error: AppError) -> Exception:
    """What the record refuses, as this face says it."""
    match str(error.code):
        case "VERSION_CONFLICT":
            return refuse(Refused.VERSION_CONFLICT, "The resource has another version by now: read it again.")
        case "NOT_FOUND":
            return refuse(Refused.NOT_FOUND, "There is no such resource of yours.")
    return error
