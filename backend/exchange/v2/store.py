"""The `hl7_messages` collection: every message as it came, sealed, with its answer and what became of it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from pymongo import DESCENDING, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import AT_ONCE, GatheredCalls, GatheredInserts
from backend.exchange.v2.mapping.building import Finding
from backend.exchange.v2.models import Kept, MessageQuery, MessageState, Outcome
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

MESSAGES, PARTS = "hl7_messages", "hl7_parts"
# What of a message is sealed beside the document itself; a document of MongoDB holds 16 MB.
_PART = 8 << 20

declare_sealed(MESSAGES, "raw", "answer", "found")
declare_sealed(PARTS, "data")


@dataclass(frozen=True, slots=True)
class _End:
    """What became of one message, on its way into the store."""

    id: str
    said: Document
    verdict: str
    sealed: Document
    answer: bytes = field(repr=False)


class MessageStore:
    """Messages by id, which sender, control id and content alone decide: a repeat meets its original."""

    def __init__(self, db: Database, cipher: FieldCipher, keep_for: timedelta | None) -> None:
        self._messages = db.collection(MESSAGES)
        self._parts = db.collection(PARTS)
        self._cipher = cipher
        self._keep_for = keep_for
        self._inserts = GatheredInserts(self._messages, every_s=AT_ONCE)
        self._ends: GatheredCalls[_End, bytes] = GatheredCalls(self._finish_many, every_s=AT_ONCE)

    async def add(self, kept: Kept, raw: bytes) -> bool:
        """Store a message with all it says; False when it is there already."""
        packed = base64.b64encode(zlib.compress(raw, 1)).decode()
        pieces = [packed[at : at + _PART] for at in range(0, len(packed), _PART)] or [""]
        forget_at = kept.received_at + self._keep_for if self._keep_for else None
        if len(pieces) > 1:
            await self._add_parts(kept.id, pieces, forget_at)
        document = self._write(kept)
        document["raw"] = self._seal(kept.id, "raw", pieces[0] if len(pieces) == 1 else "")
        document["parts"] = len(pieces) if len(pieces) > 1 else 0
        document["forget_at"] = forget_at
        try:
            await self._inserts.insert(document)
        except DuplicateKeyError:
            return False
        return True

    async def _add_parts(self, message_id: str, pieces: list[str], forget_at: datetime | None) -> None:
        for number, piece in enumerate(pieces):
            part_id = f"{message_id}:{number}"
            sealed = self._cipher.seal(PARTS, "data", part_id, piece)
            document = {"message_id": message_id, "data": sealed, "forget_at": forget_at}
            await self._parts.replace_one({"_id": part_id}, document, upsert=True)

    async def find(self, message_id: str) -> Kept | None:
        """A message without its text, or None."""
        found = await self._messages.find_one({"_id": message_id}, {"raw": 0})
        return self._read(found) if found else None

    async def raw_of(self, message_id: str) -> bytes:
        """The message's bytes as they came; empty when there is no such message."""
        found = await self._messages.find_one({"_id": message_id}, {"raw": 1, "parts": 1})
        if found is None:
            return b""
        pieces = [self._cipher.open(MESSAGES, "raw", message_id, found["raw"])]
        for number in range(found["parts"]):
            part_id = f"{message_id}:{number}"
            part = await self._parts.find_one({"_id": part_id})
            pieces.append(self._cipher.open(PARTS, "data", part_id, part["data"]) if part else "")
        return zlib.decompress(base64.b64decode("".join(pieces)))

    async def finish(self, message_id: str, outcome: Outcome, verdict: str, answer: bytes) -> bytes:
        """Note what became of a message; the answer that counts is the one given first."""
        sealed = self._seal(message_id, "answer", _latin(answer))
        said = {
            "state": str(MessageState.DONE),
            "chart_id": outcome.chart_id,
            "resources": list(outcome.resources),
            "found": self._found(message_id, outcome.findings, ()),
            "findings": len(outcome.findings),
            "reason": "",
            "retry_at": None,
            "handled_at": clock.now(),
        }
        return await self._ends.ask(_End(message_id, said, verdict, sealed, answer))

    async def _finish_many(self, ends: list[_End]) -> list[bytes]:
        """Those that nobody has answered get our answers in one step; of the others each by itself."""
        writes = [
            UpdateOne(
                {"_id": end.id, "answer": None},
                {"$set": {**end.said, "verdict": end.verdict, "answer": end.sealed}},
            )
            for end in ends
        ]
        done = await self._messages.bulk_write(writes, ordered=False)
        if done.matched_count == len(ends):
            return [end.answer for end in ends]
        ids = {"_id": {"$in": sorted({end.id for end in ends})}}
        there = {doc["_id"]: doc["answer"] async for doc in self._messages.find(ids, {"answer": 1})}
        return [
            end.answer if there.get(end.id) == end.sealed else await self._finish_again(end) for end in ends
        ]

    async def _finish_again(self, end: _End) -> bytes:
        """What has been answered already keeps its answer."""
        said = {name: {"$literal": value} for name, value in end.said.items()}
        found = await self._messages.find_one_and_update(
            {"_id": end.id},
            [{"$set": {**said, **_first_given(end.verdict, end.sealed)}}],
            projection={"answer": 1},
            return_document=ReturnDocument.AFTER,
        )
        return self._open_answer(found) if found else end.answer

    async def refuse(
        self, message_id: str, reason: str, problems: Sequence[Finding], verdict: str, answer: bytes
    ) -> bytes:
        """Make a dead letter of a stored message."""
        sealed = self._seal(message_id, "answer", _latin(answer))
        found = await self._messages.find_one_and_update(
            {"_id": message_id},
            [{"$set": {
                "state": str(MessageState.DEAD),
                **_first_given(verdict, sealed),
                "reason": {"$literal": reason},
                "found": {"$literal": self._found(message_id, (), problems)},
                "retry_at": None,
                "handled_at": clock.now(),
            }}],
            projection={"answer": 1},
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        return self._open_answer(found) if found else answer

    async def put_off(self, message_id: str, retry_at: datetime, verdict: str, answer: bytes) -> bytes:
        """Something is away: the message is accepted and tried again later."""
        sealed = self._seal(message_id, "answer", _latin(answer))
        found = await self._messages.find_one_and_update(
            {"_id": message_id},
            [{"$set": {
                **_first_given(verdict, sealed),
                "retry_at": retry_at,
                "tries": {"$add": ["$tries", 1]},
            }}],
            projection={"answer": 1},
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        return self._open_answer(found) if found else answer

    async def waiting(self, due: datetime, limit: int) -> list[Kept]:
        """Messages that are stored and not mapped, the oldest first."""
        matching = {"state": str(MessageState.WAITING), "retry_at": {"$lte": due}}
        found = self._messages.find(matching, {"raw": 0}).sort("retry_at", 1).limit(limit)
        return [self._read(doc) async for doc in found]

    async def move(
        self, message_id: str, wanted: Sequence[MessageState], state: MessageState, **more: object
    ) -> bool:
        """Take a message from one of these states into another; False when it is in none of them."""
        result = await self._messages.update_one(
            {"_id": message_id, "state": {"$in": [str(one) for one in wanted]}},
            {"$set": {"state": str(state), **more}},
        )
        return result.matched_count == 1

    async def list_of(self, query: MessageQuery, *, with_findings: bool = False) -> list[Kept]:
        """Messages, the newest first."""
        matching: Document = {}
        if query.organization_ids is not None:
            matching["organization_id"] = {"$in": sorted(query.organization_ids)}
        if query.states:
            matching["state"] = {"$in": [str(state) for state in query.states]}
        if query.kind:
            matching["kind"] = query.kind
        received: Document = {}
        if query.since:
            received["$gte"] = query.since
        if query.until:
            received["$lt"] = query.until
        if query.before:
            at, message_id = query.before
            matching["$or"] = [{"received_at": {"$lt": at}}, {"received_at": at, "_id": {"$lt": message_id}}]
        if received:
            matching["received_at"] = received
        hidden = {"raw": 0, "answer": 0} | ({} if with_findings else {"found": 0})
        found = self._messages.find(matching, hidden)
        found = found.sort([("received_at", DESCENDING), ("_id", DESCENDING)]).limit(query.limit)
        return [self._read(doc) async for doc in found]

    async def count_dead(self, organization_ids: frozenset[str] | None) -> int:
        """How many dead letters wait for somebody."""
        matching: Document = {"state": str(MessageState.DEAD)}
        if organization_ids is not None:
            matching["organization_id"] = {"$in": sorted(organization_ids)}
        return await self._messages.count_documents(matching, limit=1000)

    def _write(self, kept: Kept) -> Document:
        return {
            "_id": kept.id,
            "organization_id": kept.organization_id,
            "sender": kept.sender,
            "control_id": kept.control_id,
            "kind": kept.kind,
            "version": kept.version,
            "state": str(kept.state),
            "verdict": kept.verdict,
            "reason": kept.reason,
            "size": kept.size,
            "charset": kept.charset,
            "received_at": kept.received_at,
            "chart_id": kept.chart_id,
            "resources": list(kept.resources),
            "findings": len(kept.findings),
            "found": self._found(kept.id, kept.findings, kept.problems),
            "answer": self._seal(kept.id, "answer", _latin(kept.answer)) if kept.answer else None,
            "tries": kept.tries,
            "copied_from": kept.copied_from,
            "replaced_by": kept.replaced_by,
            # While the process that took it lives it maps it itself; after that the sweep does.
            "retry_at": kept.received_at + timedelta(seconds=60)
            if kept.state is MessageState.WAITING
            else None,
        }

    def _read(self, doc: Document) -> Kept:
        found: dict[str, Any] = {}
        if doc.get("found"):
            found = orjson.loads(self._cipher.open(MESSAGES, "found", doc["_id"], doc["found"]))
        return Kept(
            id=doc["_id"],
            organization_id=doc["organization_id"],
            sender=doc["sender"],
            control_id=doc["control_id"],
            kind=doc["kind"],
            version=doc["version"],
            state=MessageState(doc["state"]),
            verdict=doc["verdict"],
            reason=doc["reason"],
            size=doc["size"],
            charset=doc["charset"],
            received_at=doc["received_at"],
            chart_id=doc["chart_id"],
            resources=tuple(doc["resources"]),
            findings=tuple(Finding(*one) for one in found.get("findings", ())),
            findings_count=doc["findings"],
            problems=tuple(Finding(*one) for one in found.get("problems", ())),
            tries=doc["tries"],
            copied_from=doc["copied_from"],
            replaced_by=doc["replaced_by"],
            answer=self._open_answer(doc),
        )

    def _found(
        self, message_id: str, findings: Sequence[Finding], problems: Sequence[Finding]
    ) -> Document | None:
        if not findings and not problems:
            return None
        said = {
            "findings": [[f.kind, f.where, f.said] for f in findings],
            "problems": [[f.kind, f.where, f.said] for f in problems],
        }
        return self._seal(message_id, "found", orjson.dumps(said).decode())

    def _seal(self, message_id: str, field: str, text: str) -> Document:
        return self._cipher.seal(MESSAGES, field, message_id, text)

    def _open_answer(self, doc: Document) -> bytes:
        sealed = doc.get("answer")
        return self._cipher.open(MESSAGES, "answer", doc["_id"], sealed).encode("latin-1") if sealed else b""


def _first_given(verdict: str, sealed: Document) -> Document:
    """Verdict and answer as they stand, or these where there are none."""
    return {
        "verdict": {"$cond": [{"$eq": [{"$type": "$answer"}, "object"]}, "$verdict", verdict]},
        "answer": {"$ifNull": ["$answer", {"$literal": sealed}]},
    }


def _latin(answer: bytes) -> str:
    return answer.decode("latin-1")
