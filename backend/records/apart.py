"""Documents too large for a resource's own place: taken out of a body, named in it, and put in again. Pure.

What stays is an extension of the element with a name made of the digest and the size of what was there: the
same content makes the same body, and so no new version. Which file holds it stands beside the body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.records.models import Body, Resource

MARK = "urn:healthycity:apart"
# So many letters of base64 stay where they are: a page of fifty documents is read at once.
LARGE = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}/[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Taken:
    """A body without its large documents, and these by their names."""

    body: Body
    contents: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A document that lies apart: which, and how large it is."""

    id: str
    size: int


def take_out(body: Body) -> Taken:
    """The body with every large document replaced by its name. The one that was given stays as it is."""
    contents: dict[str, bytes] = {}

    def shrink(node: dict[str, Any]) -> dict[str, Any]:
        content = _content(node.get("data"))
        if content is None:
            return node
        name = f"{hashlib.sha256(content).hexdigest()}/{len(content)}"
        contents[name] = content
        mark = {"url": MARK, "valueString": name}
        rest = {key: value for key, value in node.items() if key != "data"}
        return rest | {"_data": _beside(node) | {"extension": [*_others(node), mark]}}

    return Taken(_mapped(body, shrink), contents)


def put_in(body: Body, contents: Mapping[str, str]) -> Body:
    """The body with the documents (in base64, by their names) where their names stand."""

    def fill(node: dict[str, Any]) -> dict[str, Any]:
        name = named(node)
        if name is None or name not in contents:
            return node
        rest = {key: value for key, value in node.items() if key != "_data"}
        others, beside = _others(node), _beside(node)
        beside = beside | {"extension": others} if others else beside
        return rest | {"data": contents[name]} | ({"_data": beside} if beside else {})

    return _mapped(body, fill)


def names(body: Body) -> tuple[str, ...]:
    """Of the documents that a body names: each once, and always in the same order."""
    return tuple(sorted({name for node in _nodes(body) if (name := named(node)) is not None}))


def files_of(resource: Resource) -> dict[str, str]:
    """Which file holds what a resource names, by its name."""
    return dict(zip(names(resource.body), resource.files, strict=False))


def size_of(resource: Resource) -> int:
    """How much lies apart from a resource."""
    return sum(_size(name) for name in names(resource.body)) if resource.files else 0


def file_in(resource: Resource, attachment: Mapping[str, Any]) -> File | None:
    """The file that an attachment of a resource, or a Binary itself, is kept in."""
    name = named(attachment)
    id = files_of(resource).get(name) if name is not None else None
    return File(id, _size(name)) if name is not None and id is not None else None


def _content(data: Any) -> bytes | None:
    if not isinstance(data, str) or len(data) <= LARGE:
        return None
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        # No document: a sampled curve, say.
        return None


def _size(name: str) -> int:
    return int(name.partition("/")[2])


def named(node: Mapping[str, Any]) -> str | None:
    """The name of the document that lies apart of an element; None where it is there, or nothing is."""
    beside = node.get("_data")
    if not isinstance(beside, dict) or "data" in node:
        return None
    for each in _extensions(beside):
        said = each.get("valueString")
        if each.get("url") == MARK and isinstance(said, str) and _NAME.fullmatch(said):
            return said
    return None


def _beside(node: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the data besides extensions."""
    beside = node.get("_data")
    said = beside if isinstance(beside, dict) else {}
    return {name: value for name, value in said.items() if name != "extension"}


def _others(node: Mapping[str, Any]) -> list[Any]:
    """The extensions of the data that are its sender's own."""
    beside = node.get("_data")
    found = _extensions(beside) if isinstance(beside, dict) else []
    return [each for each in found if each.get("url") != MARK]


def _extensions(beside: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said = beside.get("extension")
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _nodes(body: Body) -> Iterator[dict[str, Any]]:
    ahead: list[Any] = [body]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            yield value
            value = value.values()
        ahead.extend(each for each in value if isinstance(each, dict | list))


def _mapped(body: Body, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Body:
    """A body with some of its objects changed; what leads to none of them is not copied."""
    changed = {
        id(node): made
        for node in _nodes(body)
        if ("data" in node or "_data" in node) and (made := change(node)) is not node
    }
    return _rebuilt(body, changed) if changed else body


def _rebuilt(value: Any, changed: Mapping[int, dict[str, Any]]) -> Any:
    # As deep as JSON is taken in (exact_json.MOST_DEPTH), or as the writing of it is (bodies.canonical).
    if isinstance(value, dict):
        return {name: _rebuilt(each, changed) for name, each in changed.get(id(value), value).items()}
    if isinstance(value, list):
        return [_rebuilt(each, changed) for each in value]
    return value
