"""The collections `referrals` and `referral_desks`: what is clinical or personal lies sealed in one piece."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson
from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from backend.db.client import DURABLE, Database, Document
from backend.errors import AppError, ErrorCode
from backend.ids import is_id
from backend.referrals.deciding import deadline, way_of
from backend.referrals.desks import Desk
from backend.referrals.follow_up import Follow
from backend.referrals.machine import OPEN, THERE, UNDER_WAY, WAITING, ReferralState
from backend.referrals.models import NOTHING_CLINICAL, Level, Referral, ReferralQuery, Side, Step
from backend.referrals.plan_fields import follow_instant, of_plans, plan_fields
from backend.referrals.plans import closed_at
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded

REFERRALS, DESKS, WAYS = "referrals", "referral_desks", "referral_ways"
declare_sealed(REFERRALS, "body")
declare_sealed(DESKS, "body")

_REFERRAL, _DESK = TypeAdapter(Referral), TypeAdapter(Desk)
# What stands in clear besides, for the indexes and the figures.
_CLEAR = (
    "direction", "urgency", "state", "person_id", "from_organization_id", "to_organization_id", "turn",
    "created_at", "accepted_at", "arrived_at", "ended_at",
)  # fmt: skip
# What stands there as long as there is such a thing.
_AT_TIMES = ("due_at", "loose_since", "appointment_id", "follow_on", "remind_at", "followed_at", "plan")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Where nobody has to move: after everything else.
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """The next turn of a referral, to be written over the one it was thought of."""

    after: Referral
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class New:
    """A referral to be kept. `alone`: unless another is under way from the same to the same."""

    referral: Referral
    event: Event
    alone: bool = True


class _Elsewhere(Exception):  # noqa: N818 no error: somebody was faster
    pass


class ReferralStore:
    """Referrals by id. A change is written over the turn it was thought of, or not at all."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._referrals = db.collection(REFERRALS)
        self._desks = db.collection(DESKS)
        # By way, the referral that was sent on it last.
        self._ways = db.collection(WAYS)
        self._client = db.client
        self._cipher = cipher

    async def write_all(self, turns: Sequence[Turn], new: New | None = None) -> bool:
        """All of it or nothing: False when one has moved meanwhile, or the new one is there already.

        Raises REFERRAL_OPEN where another is under way on the new one's way. A transaction, because these are
        several documents: a process that dies between them would leave a patient expected in two places.
        """

        if len(turns) == 1 and new is None:
            return await self._write_turn(turns[0])

        async def work(session: AsyncClientSession) -> None:
            for turn in turns:
                if not await self._write_turn(turn, session):
                    raise _Elsewhere
            if new is not None:
                document = {**self._write(new.referral), **embedded(new.event)}
                await self._referrals.insert_one(document, session=session)
                if new.alone:
                    await self._take_way(new.referral, session)

        try:
            async with self._client.start_session() as session:
                await session.with_transaction(work, write_concern=DURABLE)
        except (_Elsewhere, DuplicateKeyError):
            return False
        return True

    async def _take_way(self, referral: Referral, session: AsyncClientSession) -> None:
        """Of two who send at once, both write here: one begins again, and finds the other's."""
        way, to_this = {"_id": way_of(referral)}, {"referral_id": referral.id}
        held = await self._ways.find_one_and_update(
            way, {"$setOnInsert": to_this}, upsert=True, session=session
        )
        if held is None:
            return
        other = await self._referrals.find_one({"_id": held["referral_id"]}, {"state": 1}, session=session)
        if other is not None and other["state"] in UNDER_WAY:
            raise AppError(ErrorCode.REFERRAL_OPEN, data={"referral_id": other["_id"]})
        await self._ways.update_one(way, {"$set": to_this}, session=session)

    async def write(self, after: Referral, events: Sequence[Event] = ()) -> bool:
        """Write the next turn; False when another has been written meanwhile."""
        return await self._write_turn(Turn(after, events))

    async def _write_turn(self, turn: Turn, session: AsyncClientSession | None = None) -> bool:
        after, events = turn.after, turn.events
        document = self._write(after)
        del document["_id"]
        gone = [name for name in _AT_TIMES if name not in document]
        changes: Document = {"$set": document | {"turn": after.turn + 1}}
        if gone:
            changes["$unset"] = dict.fromkeys(gone, "")
        if events:
            changes["$push"] = {"events": {"$each": [event.to_doc() for event in events]}}
            changes["$set"]["events_due"] = True
        over = {"_id": after.id, "turn": after.turn}
        done = await self._referrals.update_one(over, changes, session=session)
        return done.matched_count == 1

    async def find(self, referral_id: str) -> Referral | None:
        """One, or None."""
        doc = await self._referrals.find_one({"_id": referral_id})
        return self._read(doc) if doc else None

    async def of_appointment(self, appointment_id: str) -> Referral | None:
        """The referral whose place an appointment is."""
        doc = await self._referrals.find_one({"appointment_id": appointment_id})
        return self._read(doc) if doc else None

    async def of_person(self, person_id: str, *, open_only: bool = False) -> list[Referral]:
        """A person's referrals, the newest first."""
        matching: Document = {"person_id": person_id}
        if open_only:
            matching["state"] = {"$in": [str(state) for state in OPEN]}
        found = self._referrals.find(matching).sort("created_at", DESCENDING).limit(200)
        return [self._read(doc) async for doc in found]

    async def forget(self, referral_id: str) -> None:
        """Keep of a referral what figures are made of, and nothing of the person."""
        while (found := await self.find(referral_id)) is not None:
            await self._ways.delete_one({"_id": way_of(found), "referral_id": referral_id})
            bare = replace(
                found,
                person_id="",
                unidentified=None,
                clinical=NOTHING_CLINICAL,
                back=None,
                transport=None,
                place=None,
                from_phone="",
                asked="",
                wish="",
                outcome_text="",
                follow_ups=(),
                due_at=None,
                history=tuple(_bare(step) for step in found.history),
            )
            if await self.write(bare):
                # Only now: whoever still thinks of the turn before keeps none any more.
                await self._referrals.update_one({"_id": referral_id}, {"$unset": {"summary_chart": ""}})
                return

    async def summary_chart(self, referral_id: str) -> str:
        """In which chart its discharge summary is to lie; empty where that has not been said."""
        doc = await self._referrals.find_one({"_id": referral_id}, {"summary_chart": 1})
        return doc.get("summary_chart", "") if doc else ""

    async def keep_summary_chart(self, referral: Referral, chart_id: str) -> bool:
        """Say it for good; False when it was said, or the referral has moved, meanwhile. Makes no turn."""
        over = {"_id": referral.id, "turn": referral.turn, "summary_chart": {"$exists": False}}
        done = await self._referrals.update_one(over, {"$set": {"summary_chart": chart_id}})
        return done.matched_count == 1

    async def due(self, now: datetime, limit: int) -> list[Referral]:
        """Those whose time has come, the longest waiting first."""
        found = self._referrals.find({"due_at": {"$lte": now}}).sort("due_at", ASCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def to_remind(self, now: datetime, limit: int) -> list[Referral]:
        """Those of whose plan somebody is to be reminded, the longest due first."""
        found = self._referrals.find({"remind_at": {"$lte": now}}).sort("remind_at", ASCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def with_loose(self, before: datetime, limit: int) -> list[Referral]:
        """Those that may have claimed places which are not theirs."""
        found = self._referrals.find({"loose_since": {"$lte": before}}).sort("loose_since", ASCENDING)
        return [self._read(doc) async for doc in found.limit(limit)]

    async def page(
        self, query: ReferralQuery, within: Ids[str] | None, people: Ids[str] | None
    ) -> list[Referral]:
        """A page and one more. `within` are institutions, `people` persons; None is no limit."""
        rules: list[Document] = [wanted(query, within)]
        if people is not None:
            rules.append({"person_id": {"$in": sorted(people)}})
        if query.cursor:
            rules.append(_after(query.cursor, *_order(query)))
        field, way = _order(query)
        found = self._referrals.find({"$and": rules}).sort([(field, way), ("_id", way)])
        return [self._read(doc) async for doc in found.limit(query.limit + 1)]

    async def count(self, rules: Document, side: Document | None = None) -> int:
        """How many fit, a thousand at most."""
        return await self._referrals.count_documents(rules | (side or {}), limit=1000)

    async def months(self, since: datetime, until: datetime, within: Ids[str] | None) -> list[Document]:
        """What figures are made of: clear fields only."""
        matching: Document = {"created_at": {"$gte": since, "$lt": until}}
        if within is not None:
            matching["$or"] = _either(within)
        names = (*(name for name in _CLEAR if name != "person_id"), "arrive_by", "plan")
        fields = dict.fromkeys(names, 1)
        return [doc async for doc in self._referrals.find(matching, fields)]

    async def save_desk(self, desk: Desk) -> None:
        """State an institution's desk."""
        body = orjson.dumps(desk).decode()
        sealed = self._cipher.seal(DESKS, "body", desk.organization_id, body)
        fields = {"takes_emergencies": desk.takes_emergencies, "body": sealed}
        await self._desks.update_one({"_id": desk.organization_id}, {"$set": fields}, upsert=True)

    async def find_desk(self, organization_id: str) -> Desk | None:
        """An institution's desk, or None."""
        doc = await self._desks.find_one({"_id": organization_id})
        return self._read_desk(doc) if doc else None

    async def desks_of(self, organization_ids: Iterable[str]) -> list[Desk]:
        """The desks of these institutions, as far as they have stated one."""
        found = self._desks.find({"_id": {"$in": sorted(organization_ids)}})
        return [self._read_desk(doc) async for doc in found]

    async def emergency_desks(self) -> list[Desk]:
        """Those that take emergencies."""
        found = self._desks.find({"takes_emergencies": True}).limit(500)
        return [self._read_desk(doc) async for doc in found]

    def _write(self, referral: Referral) -> Document:
        body = self._cipher.seal(REFERRALS, "body", referral.id, orjson.dumps(referral).decode())
        clear = {name: getattr(referral, name) for name in _CLEAR}
        document: Document = {"_id": referral.id, **clear, "body": body, "updated_at": referral.updated_at}
        document["level"] = str(referral.level)
        document["arrive_by"] = referral.arrive_by
        document["move_by"] = deadline(referral) or NEVER
        document["followed"] = bool(referral.followed_by)
        place = referral.place
        document["place_wanted"] = referral.state is ReferralState.ACCEPTED and bool(
            referral.wish or (place is not None and place.lost)
        )
        document |= plan_fields(referral)
        if referral.due_at is not None:
            document["due_at"] = referral.due_at
        if referral.loose:
            document["loose_since"] = min(each.since for each in referral.loose)
        if place is not None and place.appointment_id:
            document["appointment_id"] = place.appointment_id
        return document

    def _read(self, doc: Document) -> Referral:
        body = orjson.loads(self._cipher.open(REFERRALS, "body", doc["_id"], doc["body"]))
        return _REFERRAL.validate_python(body | {"turn": doc["turn"]})

    def _read_desk(self, doc: Document) -> Desk:
        return _DESK.validate_json(self._cipher.open(DESKS, "body", doc["_id"], doc["body"]))


def write_cursor(referral: Referral, query: ReferralQuery) -> str:
    """Where the next page begins."""
    at = _stands_at(referral, query)
    return f"{(at - _EPOCH) // timedelta(milliseconds=1)}.{referral.id}"


def _stands_at(referral: Referral, query: ReferralQuery) -> datetime:
    if query.follow is Follow.CLOSED:
        return closed_at(referral) or _EPOCH
    if query.follow is not None:
        return follow_instant(referral) or NEVER
    return (deadline(referral) or NEVER) if query.by_deadline else referral.created_at


def _order(query: ReferralQuery) -> tuple[str, int]:
    if query.follow is Follow.CLOSED:
        return "followed_at", DESCENDING
    if query.follow is not None:
        return "follow_on", ASCENDING
    return ("move_by", ASCENDING) if query.by_deadline else ("created_at", DESCENDING)


def sides(organization_ids: Iterable[str]) -> tuple[Document, Document]:
    """Sent to, and sent by, some institutions."""
    ids = {"$in": sorted(organization_ids)}
    return {"to_organization_id": ids}, {"from_organization_id": ids}


def _either(organization_ids: Iterable[str]) -> list[Document]:
    return list(sides(organization_ids))


def wanted(query: ReferralQuery, within: Ids[str] | None) -> Document:
    """By which a list is found, its cursor apart."""
    matching: Document = {}
    if query.organization_id is not None:
        within = [query.organization_id]
    if within is not None:
        to, by = sides(within)
        either: Document = {"$or": [to, by]}
        matching |= either if query.side is None else {Side.IN: to, Side.OUT: by}[query.side]
    if query.states:
        matching["state"] = {"$in": [str(state) for state in query.states]}
    for name in ("urgency", "direction", "person_id"):
        if getattr(query, name) is not None:
            matching[name] = str(getattr(query, name))
    if query.overdue:
        matching |= OVERDUE
    if query.follow is not None:
        matching |= of_plans(query.follow)
    if query.level is not None:
        matching["level"] = str(query.level)
    return matching


_REMINDED = {"$ne": str(Level.SENT)}
OVERDUE: Document = {"state": {"$in": [str(state) for state in WAITING | THERE]}, "level": _REMINDED}
UNFINISHED: Document = {"state": {"$in": [str(state) for state in THERE]}, "level": _REMINDED}
AT_CITY: Document = {"state": {"$in": [str(state) for state in OPEN]}, "level": str(Level.CITY)}


def _bare(step: Step) -> Step:
    by_himself = step.actor_kind == "resident"
    return replace(step, text="", facts="", actor_id="" if by_himself else step.actor_id)


def _after(cursor: str, field: str, way: int) -> Document:
    at, _, referral_id = cursor.partition(".")
    if not (at.isdecimal() and len(at) < 15 and is_id(referral_id)):
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "cursor", "problem": "unknown"}]})
    instant = _EPOCH + timedelta(milliseconds=int(at))
    then = "$gt" if way == ASCENDING else "$lt"
    return {"$or": [{field: {then: instant}}, {field: instant, "_id": {then: referral_id}}]}
