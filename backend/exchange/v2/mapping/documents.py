"""TXA with its OBX: documents of the chart, their text or file, and what became of them."""

from __future__ import annotations

import base64

from backend.exchange.v2.mapping.attachments import attachment_of
from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    coded,
    each,
    entity,
    entity_key,
    practitioner,
    time_of,
)
from backend.exchange.v2.mapping.groups import groups_of
from backend.exchange.v2.mapping.observations import ATTACHED, build_observation, observation_keys
from backend.exchange.v2.mapping.orders import build_request, order_keys
from backend.exchange.v2.segments import Segment

_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0270"
# T11: the document was cancelled.
_CANCELLED = "T11"
_WORDS = frozenset({"TX", "FT", "ST"})
# What an event says of the document in TXA-13: it is added to, or replaced.
_RELATIONS = {"T05": "appends", "T06": "appends", "T09": "replaces", "T10": "replaces"}
# TXA-19.
_AVAILABLE = {"OB": "superseded", "CA": "entered-in-error"}


def build_document(b: Building) -> None:
    """MDM: one document."""
    segment = b.content.first("TXA")
    if segment is None:
        return
    _, groups = groups_of(b.content)
    orders = [build_request(b, group, key) for group in groups for key in order_keys(b, group)]
    files, pictures, text = _contents(b)
    earlier = entity_key(segment.rep(13))
    body = {
        "masterIdentifier": entity(b, segment.rep(12)),
        "identifier": [entity(b, segment.rep(number)) for number in (12, 14, 15)],
        "status": "entered-in-error"
        if b.header.event == _CANCELLED
        else _AVAILABLE.get(segment.text(19), "current"),
        "docStatus": b.code("document_status", segment.text(17), segment, 17),
        "type": _type(b, segment),
        "subject": b.subject,
        "date": _instant(time_of(b, segment, 7) or time_of(b, segment, 6)),
        "author": unique(
            who for number in (9, 5) for who in each(segment.reps(number), lambda rep: practitioner(b, rep))
        ),
        "authenticator": next(iter(each(segment.reps(22), lambda rep: practitioner(b, rep))), None),
        "relatesTo": [{"code": _RELATIONS[b.header.event],
                       "target": b.ref("DocumentReference", f"document:{earlier}")}]
        if earlier and b.header.event in _RELATIONS
        else None,
        "description": segment.words(16) or None,
        "content": _content(b, segment, files, text),
        "context": {
            "encounter": [b.encounter] if b.encounter else None,
            "period": {"start": time_of(b, segment, 4)},
            "related": [*orders, *pictures],
        },
    }  # fmt: skip
    b.add("DocumentReference", f"document:{entity_key(segment.rep(12))}", body)


def _type(b: Building, segment: Segment) -> Json:
    said = coded(b, segment.rep(2))
    for coding in said.get("coding", ())[:1]:
        coding.setdefault("system", _TYPES)
    return said


def _instant(text: str | None) -> str | None:
    if not text or "T" in text:
        return text or None
    return f"{text}T00:00:00+08:00" if len(text) == 10 else None


def _contents(b: Building) -> tuple[list[Json], list[Json], str]:
    """The files, what is a result of its own, and the words of the document."""
    files, words = [], []
    others: list[Segment] = []
    for segment in b.content.each("OBX"):
        kind = segment.text(2).upper()
        if kind in ATTACHED:
            if (form := attachment_of(b, segment)) is not None:
                files.append(form)
            continue
        if kind in _WORDS:
            words += [rep.whole() for rep in segment.reps(5)]
            segment.rep(3)
        else:
            others.append(segment)
    where = b.content.first("TXA")
    key = entity_key(where.rep(12)) if where else ""
    results = [build_observation(b, s, k) for s, k in observation_keys(f"document:{key}", others)]
    return files, results, "\n".join(words)


def _content(b: Building, segment: Segment, files: list[Json], text: str) -> list[Json]:
    created = time_of(b, segment, 6)
    found = [{"attachment": tidy({**file, "creation": created})} for file in files]
    if text:
        data = base64.b64encode(text.encode()).decode()
        attachment = {"contentType": "text/plain; charset=utf-8", "data": data, "creation": created}
        found.append({"attachment": tidy(attachment)})
    if not found:
        # Only announced: the document itself comes later or is kept in the hospital.
        found.append(
            {"attachment": tidy({"title": segment.words(16) or segment.text(2), "creation": created})}
        )
    return found
