"""The collections `resources` and `resource_versions`: written all or nothing, read within a basis only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pymongo import UpdateOne

from backend import clock
from backend.db.client import Along, Database, Document
from backend.db.gather import AT_ONCE, GatheredCalls
from backend.db.upserts import upsert_many
from backend.records.apart import files_of
from backend.records.commit_store import Batch, Commits
from backend.records.documents import Documents, Draft, Renewed, embedding
from backend.records.ids import owner_of
from backend.records.models import Basis, Body, Derived, Kind, RecordQuery, Resource, Sensitivity
from backend.records.queries import Page, Search
from backend.records.telling import papers_came
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import BULK, Event, pushed

RESOURCES, VERSIONS, AWAITED = "resources", "resource_versions", "resources_awaited"
for _collection in (RESOURCES, VERSIONS):
    declare_sealed(_collection, "body")

# Who looks for more at once keeps nobody else waiting for it.
_MOST_TOGETHER = 16
_MANY = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the store now, for whoever is about to write over it."""

    doc: Document

    @property
    def version(self) -> int:
        return int(self.doc["version"])

    @property
    def type(self) -> str:
        return str(self.doc["type"])

    @property
    def deleted(self) -> bool:
        return bool(self.doc["deleted"])

    @property
    def told(self) -> frozenset[str]:
        """The kinds of events it has been told by: each once, whatever comes after."""
        return frozenset(self.doc.get("told", ()))

    @property
    def derived(self) -> Derived:
        """What a deletion keeps of it: under which bases its history may be read."""
        doc = self.doc
        level = doc.get("until_read")
        level = doc["sensitivity"] if level is None else level
        return Derived(Kind(doc["kind"]), doc["at"], doc["status"], level, shown=False)

    @property
    def received_at(self) -> datetime:
        """When the message came that it is from."""
        at: datetime = self.doc["source"]["received_at"]
        return at


@dataclass(frozen=True, slots=True)
class Change:
    """One resource from what stands to what shall stand, with what is to be told of it."""

    draft: Draft
    before: Standing | None
    events: list[Event] = field(default_factory=list)
    # Which files hold the documents that the draft names, in their order.
    files: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        return self.before.version + 1 if self.before else 1


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Which business identifiers of an owner are looked for."""

    owner: str
    types: frozenset[str]
    wanted: frozenset[str]


class ResourceStore:
    """What the record is kept in."""

    def __init__(self, db: Database, cipher: FieldCipher, blind: BlindIndex) -> None:
        self._resources = db.collection(RESOURCES)
        self._versions = db.collection(VERSIONS)
        self._awaited = db.collection(AWAITED)
        self._documents = Documents(cipher, blind, RESOURCES, VERSIONS)
        self._commits = Commits(db.client, self._resources, self._versions)
        self._standing: GatheredCalls[frozenset[str], list[Document]] = GatheredCalls(
            self._find_standing, _MOST_TOGETHER, every_s=AT_ONCE
        )
        self._bearing: GatheredCalls[_Numbers, list[Document]] = GatheredCalls(
            self._find_bearing, _MOST_TOGETHER, every_s=AT_ONCE
        )

    # -- writing ---------------------------------------------------------------------------------------

    async def standing(self, ids: Collection[str]) -> dict[str, Standing]:
        """What stands of these."""
        asked = frozenset(ids)
        many = len(asked) > _MANY
        found = (await self._find_standing([asked]))[0] if many else await self._standing.ask(asked)
        return {doc["_id"]: Standing(doc) for doc in found}

    async def _find_standing(self, asked: list[frozenset[str]]) -> list[list[Document]]:
        found = [doc async for doc in self._resources.find(_by_ids(frozenset[str]().union(*asked)))]
        return [[doc for doc in found if doc["_id"] in ids] for ids in asked]

    async def bearing(
        self, owner: str, types: Collection[str], numbers: Collection[tuple[str, str]]
    ) -> list[Standing]:
        """What stands of an owner under one of these business identifiers, oldest first."""
        wanted = self._documents.wanted_business(f"{system}|{value}" for system, value in numbers)
        found = await self._bearing.ask(_Numbers(owner, frozenset(types), frozenset(wanted)))
        return [Standing(doc) for doc in found]

    async def _find_bearing(self, asked: list[_Numbers]) -> list[list[Document]]:
        found = self._resources.find(_bearing(asked)).sort("_id", 1).hint("business_of_chart")
        docs = [doc async for doc in found]
        return [
            [
                doc
                for doc in docs
                if doc["chart"] == each.owner
                and doc["type"] in each.types
                and not each.wanted.isdisjoint(doc["business"])
            ]
            for each in asked
        ]

    def body(self, standing: Standing) -> Body:
        """What stands, for whoever writes part of it anew."""
        return self._documents.read(standing.doc).body

    def files(self, standing: Standing) -> dict[str, str]:
        """Which files hold the documents that what stands names, by their names."""
        return files_of(self._documents.read(standing.doc)) if standing.doc.get("files") else {}

    def is_same(self, standing: Standing, written: bytes) -> bool:
        """Whether that is what stands already."""
        return self._documents.is_same(standing.doc, written)

    async def commit(self, changes: Sequence[Change], at: datetime, along: Sequence[Along] = ()) -> bool:
        """Write all of it, each over what it was planned on; False, and nothing written, when overtaken."""
        later = [change for change in changes if change.before is not None]
        return await self._commits.commit(
            Batch(
                [
                    self._documents.first(change.draft, at, change.events, change.files)
                    for change in changes
                    if change.before is None
                ],
                [self._update(change, at) for change in later],
                [self._documents.older(change.before.doc) for change in later if change.before],
                frozenset(change.draft.id for change in changes),
                along,
            )
        )

    async def make_special(self, organization_id: str, ids: Collection[str], types: Collection[str]) -> None:
        """From now on these, of one organization and of these types, need more than an ordinary basis."""
        if ids:
            rules = _by_ids(ids) | {"organization_id": organization_id, "type": {"$in": sorted(types)}}
            special = {"sensitivity": Sensitivity.SPECIAL, "until_read": None}
            await self._resources.update_many(rules, {"$set": special})

    async def settle(self, id: str, version: int) -> None:
        """The PDFs of this version say nothing special: it opens as far as the rest of it allows."""
        rules = {"_id": id, "chart": owner_of(id), "version": version, "until_read": {"$type": "number"}}
        opened = {"sensitivity": "$until_read", "until_read": None}
        await self._resources.update_one(rules, [{"$set": opened}])

    async def await_special(self, organization_id: str, ids: Collection[str]) -> None:
        """When these come, they need more than an ordinary basis."""
        if ids:
            first = {"organization_id": organization_id, "at": clock.now()}
            await upsert_many(
                self._awaited,
                [
                    UpdateOne({"_id": id, "chart": owner_of(id)}, {"$setOnInsert": first}, upsert=True)
                    for id in sorted(ids)
                ],
            )

    async def awaited_special(self, ids: Collection[str]) -> frozenset[str]:
        """Which of these have been named by something that does."""
        if not ids:
            return frozenset()
        return frozenset([doc["_id"] async for doc in self._awaited.find(_by_ids(ids), {"_id": 1})])

    def _update(self, change: Change, at: datetime) -> UpdateOne:
        id = change.draft.id
        changes: Document = {"$set": self._documents.state(change.draft, change.version, at, change.files)}
        if change.events:
            embedded = embedding(change.events)
            changes["$set"]["events_due"] = embedded["events_due"]
            changes["$push"] = {"events": {"$each": embedded["events"]}}
            changes["$addToSet"] = {"told": {"$each": embedded["told"]}}
        over = {"_id": id, "chart": owner_of(id), "version": change.version - 1}
        return UpdateOne(over, changes)

    # -- after a rotation ------------------------------------------------------------------------------

    async def reindex(self, after: str | None, limit: int) -> tuple[str | None, int, int]:
        """Index the next resources by id anew: the last id, how many were seen, how many changed."""
        rules: Document = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._resources.find(rules).sort("_id", 1).limit(limit).to_list(None)
        stale = [doc for doc in docs if not self._documents.is_current(doc)]
        updates = [
            # Whoever has written a version meanwhile has indexed it himself.
            UpdateOne(
                {"_id": doc["_id"], "chart": doc["chart"], "version": doc["version"]}, _renewing(doc, renewed)
            )
            for doc in stale
            if (renewed := self._documents.anew(doc)) is not None
        ]
        if updates:
            await self._resources.bulk_write(updates, ordered=False)
        return (docs[-1]["_id"] if docs else None), len(docs), len(updates)

    async def count_indexed_with(self, kid: str) -> int:
        """How many are indexed under a key; a scan, for an operator's command only."""
        return await self._resources.count_documents({"blind": kid})

    async def for_bookkeeping(self, id: str) -> Resource | None:
        """A resource as it stands, for what the city itself concludes from it; handed to nobody."""
        doc = await self._resources.find_one({"_id": id, "chart": owner_of(id)})
        return self._documents.read(doc) if doc else None

    # -- reading: nothing is found but within a basis --------------------------------------------------

    async def find(self, basis: Basis, id: str) -> Resource | None:
        """The resource as it stands, deleted or not, if the basis covers it."""
        doc = await self._resources.find_one(Search(basis).one(id))
        return self._documents.read(doc) if doc else None

    async def versions(self, basis: Basis, id: str, limit: int) -> list[Resource]:
        """Older versions, the newest first."""
        found = self._versions.find(Search(basis).versions(id)).sort("version", -1).limit(limit)
        return [self._documents.read(doc) async for doc in found]

    async def version(self, basis: Basis, id: str, number: int) -> Resource | None:
        """One older version."""
        doc = await self._versions.find_one(Search(basis).versions(id) | {"version": number})
        return self._documents.read(doc) if doc else None

    async def search(self, basis: Basis, query: RecordQuery, *, shown: bool = False) -> list[Resource]:
        """A page of what is asked for within the basis, and one more if there is one."""
        page = self._page(basis, query, shown=shown)
        if page is None:
            return []
        found = self._resources.find(page.rules).sort(page.order).limit(query.limit + 1)
        return [self._documents.read(doc) async for doc in found.hint(page.index)]

    async def count(self, basis: Basis, query: RecordQuery, *, shown: bool, most: int) -> int:
        """How many there are, counted up to `most`."""
        page = self._page(basis, query, shown=shown, from_start=True)
        if page is None:
            return 0
        return await self._resources.count_documents(page.rules, limit=most, hint=page.index)

    def _page(
        self, basis: Basis, query: RecordQuery, *, shown: bool, from_start: bool = False
    ) -> Page | None:
        return Search(basis).page(
            query,
            codes=self._documents.wanted_codes(query.codes),
            business=self._documents.wanted_business(query.business),
            shown=shown,
            from_start=from_start,
        )


def _renewing(doc: Document, renewed: Renewed) -> Document:
    """The changes; with an event where its PDFs are to be read again, behind what comes in."""
    if not renewed.papers:
        return {"$set": renewed.changes}
    update = pushed(papers_came(doc["_id"], doc["organization_id"], priority=BULK))
    return update | {"$set": update["$set"] | renewed.changes}


def _by_ids(ids: Collection[str]) -> Document:
    return {"_id": {"$in": sorted(ids)}, "chart": {"$in": sorted({owner_of(id) for id in ids})}}


def _bearing(asked: Sequence[_Numbers]) -> Document:
    # Not all numbers in all charts: hospitals count from one again for each patient.
    each_in_its_own = [{"business": {"$in": sorted(each.wanted)}, "chart": each.owner} for each in asked]
    return {
        "$or": each_in_its_own,
        "type": {"$in": sorted({type for each in asked for type in each.types})},
        "deleted": False,
    }
