"""Resources as documents and back: sealed bodies, blind indexes, what is kept of an older version."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from backend.records import bodies
from backend.records.deriving import RULES, derive
from backend.records.ids import owner_of
from backend.records.models import Derived, Kind, Resource, Sensitivity, Source
from backend.security.fields import BlindIndex, BlindKind, FieldCipher, SealedFieldError
from backend.worker.events import Event

log = logging.getLogger(__name__)

Document = dict[str, Any]

# What an older version keeps: enough to read it under the same bases, nothing to find it by.
_KEPT = (
    "chart", "type", "version", "organization_id", "kind", "at", "sensitivity", "status", "refs",
    "encounter_id", "source", "deleted", "created_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to stand in the store next. `written` is the canonical body, None for a deletion."""

    id: str
    type: str
    organization_id: str
    derived: Derived
    written: bytes | None
    source: Source
    # Of an Encounter: AMB, EMER, IMP …
    visit_class: str = ""
    # Of a ServiceRequest: it names who is asked to carry it out.
    addressed: bool = False
    # The documents that the body names (apart.py), and those of them that came with it.
    apart: tuple[str, ...] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def unread(self) -> bool:
        """Whether nobody knows yet what its PDFs say."""
        derived = self.derived
        return self.written is not None and derived.papers and derived.sensitivity < Sensitivity.SPECIAL


@dataclass(frozen=True, slots=True)
class Renewed:
    """What is to be changed of a document, and whether its PDFs are to be read again."""

    changes: Document
    papers: bool = False


class Documents:
    """Makes and reads the documents of one collection of resources and one of their older versions."""

    def __init__(self, cipher: FieldCipher, blind: BlindIndex, resources: str, versions: str) -> None:
        self._cipher = cipher
        self._blind = blind
        self._resources = resources
        self._versions = versions

    def is_same(self, doc: Document, written: bytes) -> bool:
        """Whether the stored content is this one, whichever key its digest was made with."""
        text = written.decode()
        if doc["blind"] == self._blind.current:
            return bool(doc["digest"] == self._blind.of("resource_body", text))
        return doc["digest"] in self._blind.candidates("resource_body", text)

    def first(
        self, draft: Draft, at: datetime, events: Iterable[Event] = (), files: Sequence[str] = ()
    ) -> Document:
        """The document of a resource that was not there before."""
        return {
            "_id": draft.id,
            "chart": owner_of(draft.id),
            "type": draft.type,
            "organization_id": draft.organization_id,
            "created_at": at,
            **self.state(draft, 1, at, files),
            **embedding(events),
        }

    def state(self, draft: Draft, version: int, at: datetime, files: Sequence[str] = ()) -> Document:
        """What a new version changes of a document."""
        written = draft.written
        return {
            "version": version,
            "body": self._seal(draft.id, written) if written is not None else None,
            "digest": self._blind.of("resource_body", written.decode()) if written is not None else "",
            "deleted": written is None,
            "files": list(files),
            "source": {
                "kind": draft.source.kind,
                "id": draft.source.id,
                "organization_id": draft.source.organization_id,
                "received_at": draft.source.received_at,
            },
            "updated_at": at,
            **self.indexed(draft.derived, gone=written is None),
            **_closed(draft),
        }

    def indexed(self, derived: Derived, *, gone: bool = False) -> Document:
        """What a document is found by. What is deleted is found by its id alone."""
        return {
            "kind": str(derived.kind),
            "at": derived.at,
            "status": derived.status,
            "sensitivity": derived.sensitivity,
            "shown": derived.shown and not gone,
            "codes": [] if gone else self.code_keys(derived.codes),
            "business": [] if gone else self.business_keys(derived.business),
            "refs": [] if gone else list(derived.refs),
            "encounter_id": None if gone else derived.encounter_id,
            "blind": self._blind.current,
            "rules": RULES,
        }

    def code_keys(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """Under what codes are found: with their system, and by themselves."""
        return [self._blind.of("resource_code", spelling) for spelling in _spellings(pairs)]

    def business_keys(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """Under what business identifiers are found."""
        return [self._blind.of("resource_identifier", spelling) for spelling in _spellings(pairs)]

    def wanted_codes(self, texts: Iterable[str]) -> list[str]:
        """The same for what is looked for: `system|code` or a code, under every key of the ring."""
        return self._candidates("resource_code", texts)

    def wanted_business(self, texts: Iterable[str]) -> list[str]:
        """The same for business identifiers."""
        return [
            key for text in texts for key in self._blind.candidates("resource_identifier", _spelling(text))
        ]

    def older(self, doc: Document) -> Document:
        """What is kept of a version when the next one takes its place."""
        id = f"{doc['_id']}/{doc['version']}"
        body = doc["body"]
        if body is not None:
            text = self._cipher.open(self._resources, "body", doc["_id"], body)
            body = self._cipher.seal(self._versions, "body", id, text)
        kept = {name: doc[name] for name in _KEPT} | {"files": doc.get("files", [])}
        return {"_id": id, "resource_id": doc["_id"], "body": body} | kept

    def is_current(self, doc: Document) -> bool:
        """Whether it is indexed as a new one would be."""
        return bool(doc["blind"] == self._blind.current and doc["rules"] == RULES)

    def anew(self, doc: Document) -> Renewed | None:
        """What is to be changed for a document to be found as a new one would be; None for a damaged one."""
        if doc["body"] is None:
            return Renewed({"blind": self._blind.current, "rules": RULES})
        try:
            text = self._cipher.open(self._resources, "body", doc["_id"], doc["body"])
        except SealedFieldError as error:
            # One that cannot be opened must not keep all others from the new key.
            log.error("sealed_field_damaged", extra={"detail": str(error)})
            return None
        derived = derive(doc["type"], orjson.loads(text), doc["source"]["received_at"])
        until_read: int | None = doc.get("until_read")
        if until_read is not None:
            until_read = None if derived.sensitivity == Sensitivity.SPECIAL else until_read
        unread = derived.papers and (until_read is not None or doc["sensitivity"] < Sensitivity.SPECIAL)
        if doc["sensitivity"] == Sensitivity.SPECIAL:
            # Perhaps taken along by its report, which is not looked at here: never opened wider by itself.
            derived = replace(derived, sensitivity=Sensitivity.SPECIAL)
        digest = self._blind.of("resource_body", text)
        changes = self.indexed(derived) | {"digest": digest, "until_read": until_read}
        return Renewed(changes, papers=unread)

    def read(self, doc: Document) -> Resource:
        """A document of either collection as a resource."""
        id = doc.get("resource_id") or doc["_id"]
        body = doc["body"]
        if body is not None:
            collection = self._versions if "resource_id" in doc else self._resources
            text = self._cipher.open(collection, "body", doc["_id"], body)
            source = bodies.source_uri(doc["source"]["kind"], doc["source"]["id"])
            body = bodies.shown(text, id, doc["version"], doc["updated_at"], source)
        return Resource(
            id=id,
            type=doc["type"],
            owner=doc["chart"],
            organization_id=doc["organization_id"],
            version=doc["version"],
            kind=Kind(doc["kind"]),
            at=doc["at"],
            sensitivity=doc["sensitivity"],
            status=doc["status"],
            body=body or {},
            source=Source(**doc["source"]),
            deleted=doc["deleted"],
            refs=tuple(doc["refs"]),
            encounter_id=doc["encounter_id"],
            created_at=doc["created_at"],
            updated_at=doc["updated_at"],
            files=tuple(doc.get("files", ())),
        )

    def _candidates(self, kind: BlindKind, texts: Iterable[str]) -> list[str]:
        return [key for text in texts for key in self._blind.candidates(kind, _spelling(text))]

    def _seal(self, id: str, written: bytes) -> Document:
        return self._cipher.seal(self._resources, "body", id, written.decode())


def _closed(draft: Draft) -> Document:
    """As long as nobody knows what its PDFs say, it needs what a special one needs; then it opens."""
    if not draft.unread:
        return {"until_read": None}
    return {"sensitivity": Sensitivity.SPECIAL, "until_read": draft.derived.sensitivity}


def embedding(events: Iterable[Event]) -> Document:
    """The events of a new document; nothing where nothing follows, for most resources have none."""
    docs = [event.to_doc() for event in events]
    told = [doc["kind"] for doc in docs]
    return {"events": docs, "events_due": True, "told": told} if docs else {}


def _spellings(pairs: Iterable[tuple[str, str]]) -> list[str]:
    both = [spelling for system, value in pairs for spelling in (f"{system}|{value}", f"*|{value}")]
    return list(dict.fromkeys(both))


def _spelling(text: str) -> str:
    return text if "|" in text else f"*|{text}"
