"""A resource's body on its way in and out: what of it is content, how it is written, how large it may be."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from backend import exact_json
from backend.errors import AppError, ErrorCode
from backend.records import apart
from backend.records.models import Body
from backend.records.types import TYPES

# A document of MongoDB holds 16 MB; a large document of the resource's lies apart from it (apart.py).
LARGEST = 12 * 1024 * 1024
LARGEST_BATCH = 48 * 1024 * 1024
# What lies apart of one batch: more than the largest message can bring.
LARGEST_FILES = 64 * 1024 * 1024
MOST_AT_ONCE = 1_000
# What the store itself says of a resource, so not part of what a sender says.
_OURS = ("versionId", "lastUpdated")
# What the store calls the message or request a version came from, where its sender does not say.
SOURCE = "urn:healthycity:"


def content(type: str, body: Body) -> Body:
    """What a sender says: the body without what the store adds. Raises RESOURCE_INVALID."""
    if type not in TYPES:
        raise AppError(ErrorCode.RESOURCE_INVALID, f"no resources of type {type[:40]!r} are kept")
    if body.get("resourceType", type) != type:
        raise AppError(ErrorCode.RESOURCE_INVALID, "the body is of another type")
    said = {name: value for name, value in body.items() if name not in ("resourceType", "id", "meta")}
    meta = body.get("meta")
    if isinstance(meta, dict):
        kept = {name: value for name, value in meta.items() if name not in _OURS}
        if str(kept.get("source", "")).startswith(SOURCE):
            # Somebody sends back what he was given: where it came from this time the store knows.
            del kept["source"]
        said |= {"meta": kept} if kept else {}
    return {"resourceType": type} | said


def filled(
    body: Body, before: Body, fills: tuple[str, ...], keeps: tuple[str, ...], joins: tuple[str, ...] = ()
) -> Body:
    """A body with what stays of the one that stands."""
    made = dict(body)
    for name in joins:
        old, said = before.get(name) or [], made.get(name) or []
        if old:
            made[name] = [*old, *(each for each in said if each not in old)]
    for path in (*fills, *keeps):
        name, _, part = path.partition(".")
        old, said = before.get(name), made.get(name)
        if part and isinstance(old, dict) and part in old:
            made[name] = {part: old[part]} | (said or {})
        elif not part and old is not None and (said is None or path in keeps):
            made[name] = old
    return made


def without_documents(said: Body) -> apart.Taken:
    """A content with its large documents taken out. Raises RESOURCE_INVALID."""
    try:
        return apart.take_out(said)
    except RecursionError as error:
        raise AppError(ErrorCode.RESOURCE_INVALID, "the body is too deep") from error


def canonical(said: Body) -> bytes:
    """The one way of writing a content. Raises RESOURCE_INVALID (also for 255 levels), BODY_TOO_LARGE."""
    try:
        written = exact_json.dumps(said, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise AppError(ErrorCode.RESOURCE_INVALID, "the body is not JSON") from error
    if len(written) > LARGEST:
        raise AppError(ErrorCode.BODY_TOO_LARGE, f"a resource of {len(written)} bytes")
    return written


def shown(written: str, id: str, version: int, updated_at: datetime, source: str) -> Body:
    """The body as it is handed out: with its id, its version, when that was written, and from what."""
    body: Body = exact_json.loads(written)
    at = updated_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = body.pop("meta", {})
    meta = said if isinstance(said, dict) else {}
    return {
        "resourceType": body.pop("resourceType"),
        "id": id,
        "meta": {"source": source} | meta | {"versionId": str(version), "lastUpdated": at},
    } | body


def source_uri(kind: str, id: str) -> str:
    """`urn:healthycity:<kind>:<source id>`; a request's id may hold what no URI may."""
    return f"{SOURCE}{kind}:{quote(id, safe='')}"
