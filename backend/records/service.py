"""Writing into the record: all of a batch or nothing, once however often it comes, each to its own charts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from backend import clock
from backend.db.client import Along
from backend.errors import AppError, ErrorCode, not_found
from backend.patient_index.models import Beginning
from backend.records import apart, bodies
from backend.records.deriving import class_of, derive, is_addressed
from backend.records.documents import Draft
from backend.records.files import RecordFiles, unknown
from backend.records.ids import fresh_resource_id, is_resource_id, owner_of, resource_id
from backend.records.models import Body, Derived, Incoming, Outcome, Resource, Sensitivity, Source, Written
from backend.records.ports import Charts
from backend.records.store import Change, ResourceStore, Standing
from backend.records.telling import events_of

# Told of a batch that was written, and where it lies. It neither fails nor waits.
Watcher = Callable[[str, Sequence[Incoming], Sequence[Written], Source], None]

# Somebody else is writing the same resources: we plan anew on what he has left, for so long.
_PATIENCE_S = 15.0
_STEP_S = 0.01
# What tells which thing of a hospital's a resource is.
_CALLED = ("resourceType", "identifier", "code")
_MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One incoming resource, read and checked."""

    draft: Draft
    if_version: int | None
    incoming: Incoming | None = None


class RecordService:
    """Writes resources and takes them back."""

    def __init__(
        self, store: ResourceStore, charts: Charts, files: RecordFiles, nudge: Callable[[], None]
    ) -> None:
        self._store = store
        self._charts = charts
        self._files = files
        self._nudge = nudge
        # Whatever becomes of a chart, it stays its hospital's.
        self._organizations: dict[str, str] = {}
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of everything that is written: how good it is, say."""
        self._watchers.append(watcher)

    async def write(
        self,
        organization_id: str,
        batch: Sequence[Incoming],
        source: Source,
        *,
        gone: Sequence[str] = (),
        beginning: Sequence[Beginning] = (),
    ) -> list[Written]:
        """Write all of a batch, in one step, and take back what is `gone`. Safe to repeat, also many at once.

        The same content makes no new version, and what was received earlier never overwrites what came later.
        Of several forms of one resource in a batch the last counts. The charts that are `beginning` are made
        with it or not at all. Raises RESOURCE_INVALID, BODY_TOO_LARGE, VERSION_CONFLICT, NOT_FOUND for a
        chart of another organization, and what a beginning raises.
        """
        read = _read_all(organization_id, batch, source)
        coming = {each.chart_id for each in beginning}
        await self._check_owners(organization_id, {owner_of(each.draft.id) for each in read} - coming)
        wanted = await self._taken_back(organization_id, gone, source) if gone else {}
        along = _taken_along(read)
        if source.kind != "v2":
            # Files name what comes later; a message brings all it names.
            along |= await self._awaited(organization_id, read, along)
        wanted |= {each.draft.id: _with_its_report(each, along) for each in read}
        # Also what came earlier, and first of all: nothing lies open while the rest is being written.
        await self._store.make_special(organization_id, along, _FOLLOWING)
        written = await self._carry_out(wanted, [each.write for each in beginning])
        done = [written[each.draft.id] for each in read]
        for watcher in self._watchers:
            watcher(organization_id, batch, done, source)
        return done

    async def make_special(self, resource: Resource) -> None:
        """A resource turns out to need more than an ordinary basis; so does what it takes along."""
        derived = derive(resource.type, resource.body, resource.at)
        spreads = resource.type in _SPREADING
        along = frozenset(derived.refs + derived.attached) if spreads else frozenset[str]()
        missing = {id for id in along if owner_of(id) == resource.owner}
        missing -= (await self._store.standing(along)).keys()
        await self._store.await_special(resource.organization_id, missing)
        await self._store.make_special(resource.organization_id, along, _FOLLOWING)
        await self._store.make_special(resource.organization_id, [resource.id], [resource.type])

    async def _awaited(
        self, organization_id: str, read: Sequence[_Wanted], along: frozenset[str]
    ) -> frozenset[str]:
        """What of this belongs to a report that came before it; what is still to come is noted for then."""
        ids = {each.draft.id for each in read}
        owners = {owner_of(id) for id in ids}
        # Another's resources are none of the sender's to seclude.
        missing = {id for id in along if owner_of(id) in owners} - ids
        if missing:
            missing -= (await self._store.standing(missing)).keys()
            await self._store.await_special(organization_id, missing)
        return await self._store.awaited_special(
            [each.draft.id for each in read if each.draft.type in _FOLLOWING]
        )

    async def check(
        self,
        organization_id: str,
        batch: Sequence[Incoming],
        source: Source,
        *,
        gone: Sequence[str] = (),
        coming: Collection[str] = (),
    ) -> None:
        """Raise what `write` would raise, once the `coming` charts are there; nothing is written."""
        read = _read_all(organization_id, batch, source)
        await self._check_owners(
            organization_id, {owner_of(each.draft.id) for each in read}.difference(coming)
        )
        wanted = await self._taken_back(organization_id, gone, source) if gone else {}
        wanted |= {each.draft.id: each for each in read}
        self._plan(wanted, await self._store.standing(wanted))

    async def delete(
        self, organization_id: str, id: str, source: Source, *, if_version: int | None = None
    ) -> Written:
        """Take a resource back: it is gone for whoever reads, its history stays. Twice is no error."""
        wanted = await self._taken_back(organization_id, [id], source)
        return (await self._carry_out({id: replace(wanted[id], if_version=if_version)}))[id]

    async def standing(self, organization_id: str, ids: Collection[str]) -> dict[str, Standing]:
        """What stands of these that the organization has sent itself: whether, and in which version.

        For whoever is about to write; what it says is read on a basis only.
        """
        found = await self._store.standing(ids)
        return {id: each for id, each in found.items() if each.doc["organization_id"] == organization_id}

    async def _taken_back(
        self, organization_id: str, ids: Sequence[str], source: Source
    ) -> dict[str, _Wanted]:
        await self._check_owners(organization_id, {owner_of(id) for id in ids})
        standing = await self._store.standing(ids)
        if not set(ids) <= standing.keys():
            raise not_found("a resource of this id")
        return {
            id: _Wanted(
                Draft(id, standing[id].type, organization_id, standing[id].derived, None, source), None
            )
            for id in ids
        }

    async def bearing(
        self,
        organization_id: str,
        chart_id: str,
        types: Collection[str],
        numbers: Collection[tuple[str, str]],
    ) -> dict[str, Body]:
        """Which of its chart's resources bear one of these numbers (`system`, `value`), by id.

        For the hospital that is about to write more of them: identifiers and code of each, nothing else.
        """
        await self._check_owners(organization_id, {chart_id})
        found = await self._store.bearing(chart_id, types, numbers)
        bodies_ = {each.doc["_id"]: self._store.body(each) for each in found}
        return {id: {name: body[name] for name in _CALLED if name in body} for id, body in bodies_.items()}

    async def _carry_out(
        self, wanted: dict[str, _Wanted], beginning: Sequence[Along] = ()
    ) -> dict[str, Written]:
        ends = time.monotonic() + _PATIENCE_S
        step = _STEP_S
        kept: dict[str, str] = {}
        while True:
            standing = await self._store.standing(wanted)
            changes = self._plan(wanted, standing)
            # First what they name, then they: whoever finds a resource finds its documents.
            changes = await self._files.placed(changes, self._known_files(changes), kept)
            along = [*beginning, *self._files.binding(changes, kept)]
            if not changes or await self._store.commit(changes, clock.now(), along):
                break
            if time.monotonic() > ends:
                raise AppError(ErrorCode.UNAVAILABLE, "the resources are being changed")
            await asyncio.sleep(random.uniform(0, step))  # noqa: S311 only to keep out of each other's way
            step = min(step * 2, 0.2)
        if any(change.events for change in changes):
            self._nudge()
        made = {change.draft.id: _written(change) for change in changes}
        return {id: made.get(id) or Written(id, standing[id].version, Outcome.UNCHANGED) for id in wanted}

    def _plan(self, wanted: dict[str, _Wanted], standing: dict[str, Standing]) -> list[Change]:
        """What has to be written, given what stands."""
        changes = []
        for id, each in wanted.items():
            before = standing.get(id)
            late = each.if_version is None and _is_late(each.draft, before)
            if late or _is_left_alone(each, before) or self._is_there(each.draft, before):
                continue
            each = self._filled(each, before)
            if self._is_there(each.draft, before):
                continue
            version = before.version if before else None
            if each.if_version is not None and each.if_version != version:
                raise AppError(ErrorCode.VERSION_CONFLICT, data={"version": version})
            if before is not None and before.type != each.draft.type:
                raise AppError(ErrorCode.RESOURCE_INVALID, f"{id} is of type {before.type}")
            standing_files = self._store.files(before) if each.draft.apart and before else {}
            if unknown(each.draft.apart, each.draft.contents, standing_files):
                raise AppError(ErrorCode.RESOURCE_INVALID, "the body names a document that it does not bring")
            # Perhaps taken along by its report, which does not come again with every correction.
            draft = _as_special(each.draft) if _stays_special(before) else each.draft
            changes.append(Change(draft, before, events_of(draft, before)))
        return changes

    def _known_files(self, changes: Sequence[Change]) -> dict[str, dict[str, str]]:
        """What the versions that are written over name."""
        return {
            change.draft.id: self._store.files(change.before)
            for change in changes
            if change.draft.apart and change.before is not None
        }

    def _filled(self, wanted: _Wanted, before: Standing | None) -> _Wanted:
        """With what the sender means to stay as it stands."""
        incoming, draft = wanted.incoming, wanted.draft
        if before is None or before.deleted or incoming is None:
            return wanted
        fills, keeps, joins = incoming.fills, incoming.keeps, incoming.joins
        if not (fills or keeps or joins):
            return wanted
        body = bodies.filled(incoming.body, self._store.body(before), fills, keeps, joins)
        made = draft_of(draft.organization_id, replace(incoming, body=body), draft.source)
        return replace(wanted, draft=made)

    def _is_there(self, draft: Draft, before: Standing | None) -> bool:
        if before is None:
            return False
        if draft.written is None or before.deleted:
            return before.deleted and draft.written is None
        return self._store.is_same(before, draft.written)

    async def _check_owners(self, organization_id: str, owners: Iterable[str]) -> None:
        for owner in owners:
            if owner != organization_id and await self._organization_of(owner) != organization_id:
                raise not_found("a chart of this organization")

    async def _organization_of(self, chart_id: str) -> str | None:
        known = self._organizations.get(chart_id)
        if known is None:
            chart = await self._charts.chart(chart_id)
            if chart is None:
                return None
            if len(self._organizations) >= _MOST_KNOWN:
                self._organizations.clear()
            known = self._organizations[chart_id] = chart.organization_id
        return known


def _is_left_alone(wanted: _Wanted, before: Standing | None) -> bool:
    return before is not None and wanted.incoming is not None and wanted.incoming.only_new


def _is_late(draft: Draft, before: Standing | None) -> bool:
    """Whether a message received later has been written already: this one comes again, or was held up."""
    return before is not None and draft.source.received_at < before.received_at


def _read_all(organization_id: str, batch: Sequence[Incoming], source: Source) -> list[_Wanted]:
    if len(batch) > bodies.MOST_AT_ONCE:
        raise AppError(ErrorCode.BODY_TOO_LARGE, f"{len(batch)} resources at once")
    read = [_read(organization_id, each, source) for each in batch]
    if sum(len(each.draft.written or b"") for each in read) > bodies.LARGEST_BATCH:
        raise AppError(ErrorCode.BODY_TOO_LARGE, "a batch of resources")
    contents = (content for each in read for content in each.draft.contents.values())
    if sum(map(len, contents)) > bodies.LARGEST_FILES:
        raise AppError(ErrorCode.BODY_TOO_LARGE, "a batch of documents")
    return read


def _read(organization_id: str, incoming: Incoming, source: Source) -> _Wanted:
    return _Wanted(draft_of(organization_id, incoming, source), incoming.if_version, incoming)


def draft_of(organization_id: str, incoming: Incoming, source: Source) -> Draft:
    """What an incoming resource would stand as. Raises RESOURCE_INVALID, BODY_TOO_LARGE."""
    said = bodies.content(incoming.type, incoming.body)
    taken = bodies.without_documents(said)
    written = bodies.canonical(taken.body)
    # Of what came: a document that is text says what it is about.
    derived = derive(incoming.type, said, source.received_at)
    return Draft(
        _id_of(incoming, organization_id),
        incoming.type,
        organization_id,
        derived,
        written,
        source,
        visit_class=class_of(said),
        addressed=is_addressed(said),
        apart=apart.names(taken.body),
        contents=taken.contents,
    )


def _id_of(incoming: Incoming, organization_id: str) -> str:
    if incoming.type == "Patient" and incoming.owner != organization_id:
        if incoming.id not in (None, incoming.owner):
            raise AppError(ErrorCode.RESOURCE_INVALID, "a Patient is called like its chart")
        return incoming.owner
    if incoming.id is not None:
        if not is_resource_id(incoming.id) or not incoming.id.startswith(f"{incoming.owner}-"):
            raise AppError(ErrorCode.RESOURCE_INVALID, "an id of another owner")
        return incoming.id
    if incoming.key is None:
        return fresh_resource_id(incoming.owner)
    return resource_id(incoming.owner, incoming.type, incoming.key)


def _taken_along(read: list[_Wanted]) -> frozenset[str]:
    """What a report that needs more than an ordinary basis takes along: its results, and its files."""
    return frozenset(
        id
        for each in read
        if each.draft.derived.sensitivity == Sensitivity.SPECIAL and each.draft.type in _SPREADING
        for id in (*each.draft.derived.refs, *each.draft.derived.attached)
    )


def _with_its_report(wanted: _Wanted, along: frozenset[str]) -> _Wanted:
    if wanted.draft.id not in along or wanted.draft.type not in _FOLLOWING:
        return wanted
    return replace(wanted, draft=_as_special(wanted.draft))


def _stays_special(before: Standing | None) -> bool:
    return (
        before is not None and before.type in _FOLLOWING and before.derived.sensitivity == Sensitivity.SPECIAL
    )


_SPREADING = frozenset({"DiagnosticReport", "Composition", "DocumentReference"})
_FOLLOWING = frozenset({"Observation", "Media", "ImagingStudy", "Binary", "Specimen", "ServiceRequest"})


def _as_special(draft: Draft) -> Draft:
    derived: Derived = replace(draft.derived, sensitivity=Sensitivity.SPECIAL)
    return replace(draft, derived=derived)


def _written(change: Change) -> Written:
    if change.draft.written is None:
        return Written(change.draft.id, change.version, Outcome.DELETED)
    outcome = Outcome.UPDATED if change.before else Outcome.CREATED
    return Written(change.draft.id, change.version, outcome)
