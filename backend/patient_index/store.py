"""The `charts` collection and the history of their links. What hospitals say about people is sealed here.

A chart is unique by organization and number. The number stands there as a blind index under every key of the
ring, so that two processes that do not agree on the newest key still meet at the older one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import Any

import orjson
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import DURABLE, Along, Database, Document, Session
from backend.db.gather import AT_ONCE, GatheredCalls
from backend.ids import new_id
from backend.patient_index.graph import Node
from backend.patient_index.indexes import Indexes
from backend.patient_index.models import (
    Change,
    Chart,
    ChartNumber,
    ChartState,
    ChartTakenError,
    Demographics,
    HistoryEntry,
    NewChart,
    NumberState,
    Origin,
)
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, EventKind, embedded, pushed

CHARTS, HISTORY = "charts", "chart_history"
declare_sealed(CHARTS, "number", "who")
declare_sealed(HISTORY, "reason")

# An organization, and one of its numbers under every key of the ring.
_Numbered = tuple[str, list[str]]
# Turns a group of charts into another; what it returns is written, what it raises undoes everything.
Edit = Callable[[dict[str, Node]], dict[str, Node]]


class ChartStore:
    """Reads and writes charts; every write of links settles whose charts they are in the same transaction."""

    def __init__(self, db: Database, cipher: FieldCipher, indexes: Indexes) -> None:
        self._client = db.client
        self._charts = db.collection(CHARTS)
        self._history = db.collection(HISTORY)
        self._cipher = cipher
        self._indexes = indexes
        self._by_number: GatheredCalls[_Numbered, Document | None] = GatheredCalls(
            self._find_numbered, every_s=AT_ONCE
        )

    # -- reading ---------------------------------------------------------------------------------------

    async def find(self, chart_id: str) -> Chart | None:
        """A chart by id."""
        doc = await self._charts.find_one({"_id": chart_id})
        return self.read(doc) if doc else None

    async def find_by_number(self, organization_id: str, number: ChartNumber) -> Chart | None:
        """A hospital's chart by its own number."""
        doc = await self._by_number.ask((organization_id, self._indexes.of_number(number)))
        return self.read(doc) if doc else None

    async def _find_numbered(self, asked: list[_Numbered]) -> list[Document | None]:
        wanted = {
            "organization_id": {"$in": sorted({organization_id for organization_id, _ in asked})},
            "numbers": {"$in": sorted({number for _, numbers in asked for number in numbers})},
        }
        found = [
            (doc["organization_id"], number, doc)
            async for doc in self._charts.find(wanted)
            for number in doc["numbers"]
        ]
        charts = {(organization_id, number): doc for organization_id, number, doc in found}
        return [
            next((charts[place, number] for number in numbers if (place, number) in charts), None)
            for place, numbers in asked
        ]

    async def list_of_person(self, person_id: str) -> list[Chart]:
        """All charts of a person, oldest first."""
        docs = self._charts.find({"person_id": person_id}).sort("_id", ASCENDING)
        return [self.read(doc) async for doc in docs]

    async def person_of(self, chart_id: str) -> str | None:
        """Whose a chart is."""
        doc = await self._charts.find_one({"_id": chart_id}, {"person_id": 1})
        return doc["person_id"] if doc else None

    async def list_of_resident(self, resident_id: str) -> list[Chart]:
        """The charts that carry a resident's ID number."""
        return [self.read(doc) async for doc in self._charts.find({"resident_id": resident_id})]

    async def person_of_id_number(self, id_number: str) -> str | None:
        """Whose charts carry an ID number; None when none does."""
        doc = await self._charts.find_one(
            {"blocks": {"$in": self._indexes.of_id_number(id_number)}, "resident_id": {"$type": "string"}},
            {"person_id": 1},
        )
        return doc["person_id"] if doc else None

    async def list_alike(self, chart: Chart, most: int) -> list[Chart]:
        """The charts that share a block with one; a block of more than `most` is passed over."""
        found: dict[str, Chart] = {}
        for block in self._indexes.blocks_to_look_in(chart.who):
            docs = await self._charts.find({"blocks": {"$in": block}}).limit(most + 2).to_list(None)
            if len(docs) <= most + 1:
                found |= {doc["_id"]: self.read(doc) for doc in docs if doc["_id"] != chart.id}
        return list(found.values())

    async def list_of_id_number(self, id_number: str) -> list[Chart]:
        """The charts that a hospital has given an ID number."""
        blocks = self._indexes.of_id_number(id_number)
        return [self.read(doc) async for doc in self._charts.find({"blocks": {"$in": blocks}})]

    # -- charts ----------------------------------------------------------------------------------------

    async def add(self, new: NewChart) -> Chart | None:
        """A new chart; None when another process has just made it."""
        document = self._new(new)
        try:
            await self._charts.insert_one(document)
        except DuplicateKeyError:
            return None
        return self.read(document)

    def adding(self, new: NewChart) -> tuple[Chart, Along]:
        """A new chart, and how it is written in another's transaction; that raises ChartTakenError."""
        document = self._new(new)

        async def write(session: Session) -> None:
            try:
                await self._charts.insert_one(document, session=session)
            except DuplicateKeyError:
                raise ChartTakenError(new.id) from None

        return self.read(document), write

    def _new(self, new: NewChart) -> Document:
        at = clock.now()
        return {
            "_id": new.id,
            "organization_id": new.organization_id,
            "numbers": self._indexes.of_number(new.number),
            "number": self._seal(new.id, "number", [new.number.assigner, new.number.value]),
            **self._said(new.id, new.who),
            "person_id": new.resident_id or new.id,
            "resident_id": new.resident_id,
            "number_state": str(new.number_state),
            "merged_into": None,
            "disputed": False,
            "same_as": [],
            "turn": 0,
            "source": _of(new.source),
            "created_at": at,
            "updated_at": at,
            **embedded(Event(EventKind.CHART_CHANGED, {"chart_id": new.id})),
        }

    async def renew(self, chart: Chart, who: Demographics, state: NumberState, source: Origin) -> bool:
        """Write what a hospital says now; False when the chart has changed meanwhile."""
        event = Event(EventKind.CHART_CHANGED, {"chart_id": chart.id})
        change = {
            **self._said(chart.id, who),
            "number_state": str(state),
            "updated_at": clock.now(),
            "events_due": True,
        }
        if not is_late(chart, source):
            change["source"] = _of(source)
        result = await self._charts.update_one(
            {"_id": chart.id, "turn": chart.turn},
            {"$set": change, "$inc": {"turn": 1}, "$push": {"events": event.to_doc()}},
        )
        return result.matched_count == 1

    async def set_number_state(self, chart_ids: Iterable[str], state: NumberState) -> None:
        """Note what came of the ID numbers of charts."""
        await self._charts.update_many(
            {"_id": {"$in": list(chart_ids)}}, {"$set": {"number_state": str(state)}, "$inc": {"turn": 1}}
        )

    # -- after a rotation --------------------------------------------------------------------------------

    async def reindex(self, after: str | None, limit: int) -> tuple[str | None, int, int]:
        """Index the next charts with the active key: the last one's id, how many there were and changed."""
        wanted: Document = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._charts.find(wanted).sort("_id", ASCENDING).limit(limit).to_list(None)
        changed = 0
        for doc in docs:
            if doc["blind_kid"] != self._indexes.current:
                await self._reindex(self.read(doc))
                changed += 1
        return (docs[-1]["_id"] if docs else None), len(docs), changed

    async def count_made_with(self, kid: str) -> int:
        """Charts whose indexes were last made with this key."""
        return await self._charts.count_documents({"blind_kid": kid})

    async def _reindex(self, chart: Chart) -> None:
        fields = {
            "numbers": self._indexes.of_number(chart.number),
            "blocks": self._indexes.of_person(chart.who),
            "blind_kid": self._indexes.current,
        }
        # A chart that has changed meanwhile was written by somebody, or is met by the next pass.
        await self._charts.update_one({"_id": chart.id, "turn": chart.turn}, {"$set": fields})

    # -- links -----------------------------------------------------------------------------------------

    async def relink(
        self, chart_ids: Collection[str], edit: Edit, change: Change, other_id: str, by: str, reason: str = ""
    ) -> dict[str, tuple[str, str]]:
        """Change links of charts and settle whose all the charts are that hang together with them.

        Returns the people before and after of every chart that moved. All or nothing: who reads a person's
        charts meanwhile finds the old ones or the new ones.
        """

        async def once(session: Session) -> dict[str, tuple[str, str]]:
            before = await self._closure(chart_ids, session)
            after = edit(before)
            changed = [node for node in after.values() if node != before[node.id]]
            if not changed:
                return {}
            # All of them are written, so that of two changes to one person at once one begins again.
            for node in after.values():
                await self._charts.update_one(
                    {"_id": node.id}, _placed(before[node.id], node), session=session
                )
            entries = [self._entry(before[node.id], node, change, other_id, by, reason) for node in changed]
            await self._history.insert_many(entries, session=session)
            return {
                node.id: (before[node.id].person_id, node.person_id)
                for node in changed
                if node.person_id != before[node.id].person_id
            }

        async with self._client.start_session() as session:
            return await session.with_transaction(once, write_concern=DURABLE)

    async def history(self, chart_ids: Sequence[str]) -> list[HistoryEntry]:
        """What happened to charts, newest first."""
        docs = self._history.find({"chart_id": {"$in": list(chart_ids)}}).sort("_id", -1)
        return [self._read_entry(doc) async for doc in docs]

    async def _closure(self, chart_ids: Collection[str], session: Session) -> dict[str, Node]:
        """Charts and all that hang together with them."""
        found: dict[str, Node] = {}
        asked: set[str] = set()
        edge = set(chart_ids)
        while edge:
            wanted = {"$or": [{"_id": {"$in": list(edge)}}, {"merged_into": {"$in": list(edge)}}]}
            nodes = [_node(doc) async for doc in self._charts.find(wanted, session=session)]
            found |= {node.id: node for node in nodes}
            asked |= edge
            edge = {near for node in nodes for near in (node.id, *node.joined)} - asked
        return found

    # -- documents -------------------------------------------------------------------------------------

    def read(self, doc: Document) -> Chart:
        """A chart as the area knows it, its personal data in clear."""
        chart_id = doc["_id"]
        assigner, value = self._open(chart_id, "number", doc["number"])
        said = self._open(chart_id, "who", doc["who"])
        born = said.pop("birth_on", None)
        return Chart(
            id=chart_id,
            organization_id=doc["organization_id"],
            number=ChartNumber(assigner, value),
            person_id=doc["person_id"],
            who=Demographics(**said, birth_on=date.fromisoformat(born) if born else None),
            state=ChartState.RETIRED if doc["merged_into"] else ChartState.ACTIVE,
            merged_into=doc["merged_into"],
            updated_at=doc["updated_at"],
            number_state=NumberState(doc["number_state"]),
            resident_id=doc["resident_id"],
            disputed=doc["disputed"],
            same_as=tuple(doc["same_as"]),
            turn=doc["turn"],
            heard_at=doc["source"].get("received_at"),
        )

    def _said(self, chart_id: str, who: Demographics) -> Document:
        said = {
            "name": who.name,
            "sex": who.sex,
            "birth_on": who.birth_on.isoformat() if who.birth_on else None,
            "id_number": who.id_number,
            "phone": who.phone,
            "address": who.address,
        }
        return {
            "who": self._seal(chart_id, "who", said),
            "blocks": self._indexes.of_person(who),
            "blind_kid": self._indexes.current,
        }

    def _seal(self, chart_id: str, field: str, value: Any) -> Document:
        return self._cipher.seal(CHARTS, field, chart_id, orjson.dumps(value).decode())

    def _open(self, chart_id: str, field: str, sealed: Document) -> Any:
        return orjson.loads(self._cipher.open(CHARTS, field, chart_id, sealed))

    def _entry(
        self, before: Node, after: Node, change: Change, other_id: str, by: str, reason: str
    ) -> Document:
        entry_id = new_id()
        return {
            "_id": entry_id,
            "chart_id": after.id,
            "change": str(change),
            "other_id": other_id,
            "person_before": before.person_id,
            "person_after": after.person_id,
            "by": by,
            "reason": self._cipher.seal(HISTORY, "reason", entry_id, reason) if reason else None,
            "at": clock.now(),
        }

    def _read_entry(self, doc: Document) -> HistoryEntry:
        reason = self._cipher.open(HISTORY, "reason", doc["_id"], doc["reason"]) if doc["reason"] else ""
        return HistoryEntry(
            id=doc["_id"],
            chart_id=doc["chart_id"],
            change=Change(doc["change"]),
            other_id=doc["other_id"],
            person_before=doc["person_before"],
            person_after=doc["person_after"],
            by=doc["by"],
            at=doc["at"],
            reason=reason,
        )


def is_late(chart: Chart, source: Origin) -> bool:
    """Whether something that came later has been heard of the chart's person already."""
    return chart.heard_at is not None and source.received_at < chart.heard_at


def _of(source: Origin) -> Document:
    return {"kind": source.kind, "id": source.id, "received_at": source.received_at}


def _node(doc: Document) -> Node:
    return Node(
        id=doc["_id"],
        organization_id=doc["organization_id"],
        person_id=doc["person_id"],
        resident_id=doc["resident_id"],
        merged_into=doc["merged_into"],
        disputed=doc["disputed"],
        same_as=frozenset(doc["same_as"]),
    )


def _placed(before: Node, after: Node) -> Document:
    """The update that puts a chart in its place; who moved to another person is told of."""
    fields: Document = {
        "person_id": after.person_id,
        "resident_id": after.resident_id,
        "merged_into": after.merged_into,
        "disputed": after.disputed,
        "same_as": sorted(after.same_as),
    }
    if before.person_id == after.person_id:
        return {"$set": fields, "$inc": {"turn": 1}}
    moved = {"chart_id": after.id, "from": before.person_id, "to": after.person_id}
    change = pushed(Event(EventKind.PERSON_CHANGED, moved))
    change["$set"] |= fields | {"updated_at": clock.now()}
    return change | {"$inc": {"turn": 1}}
