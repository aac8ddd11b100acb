"""JSON Patch (RFC 6902) of a resource: what it says, carried out on a body that is ours to change. Pure."""

from __future__ import annotations

import copy
import re
from typing import Any

from backend import exact_json
from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.issues import Refused, refuse

MOST_STEPS = 1000
# A few steps that copy copies would fill the memory.
_MOST_COPIED = 100_000
_LARGEST = 8 * 1024 * 1024
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_FIXED = ("resourceType", "id")
Node = dict[str, Any] | list[Any]


class _Misfit(Exception):  # noqa: N818 says what of a step does not fit; the caller refuses
    pass


def patched(body: dict[str, Any], steps: Any) -> dict[str, Any]:
    """The body after all steps; the one that was given is changed on the way.

    Raises a refusal that names the step: of what is no patch, or does not fit what stands.
    """
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise refuse(Refused.PATCH, f"A JSON Patch is a list of at most {MOST_STEPS} operations.")
    fixed = {name: body.get(name) for name in _FIXED}
    carrying = _Carrying(body)
    for number, step in enumerate(steps):
        try:
            carrying.carry_out(step)
        except _Misfit as misfit:
            raise refuse(Refused.PATCH_UNFIT, f"Operation {number}: {misfit}.") from None
        except (KeyError, TypeError, ValueError):
            told = f"Operation {number} is none: op, path, and value or from as RFC 6902 has them."
            raise refuse(Refused.PATCH, told) from None
    made = carrying.whole
    if not isinstance(made, dict) or any(made.get(name) != value for name, value in fixed.items()):
        raise refuse(Refused.PATCH_UNFIT, "A patch changes neither resourceType nor id.")
    return _within_bounds(made)


def _within_bounds(made: dict[str, Any]) -> dict[str, Any]:
    try:
        written = exact_json.dumps(made)
        exact_json.check_depth(written)
    except (exact_json.JSONProblemError, TypeError, RecursionError):
        raise refuse(Refused.TOO_DEEP, "The resource would be nested too deep.") from None
    if len(written) > _LARGEST:
        raise AppError(ErrorCode.BODY_TOO_LARGE, "a patched resource")
    return made


class _Carrying:
    """A document on its way through the steps, below a holder: so it is replaced like any part of it."""

    def __init__(self, document: Any) -> None:
        self._holder: dict[str, Any] = {"": document}
        self._copied = 0

    @property
    def whole(self) -> Any:
        return self._holder.get("")

    def carry_out(self, step: dict[str, Any]) -> None:
        to = _read_pointer(step["path"])
        match step["op"]:
            case "add":
                self._add(to, copy.deepcopy(step["value"]))
            case "remove":
                self._take(to)
            case "replace":
                parent, key = self._there(to)
                parent[key] = copy.deepcopy(step["value"])
            case "move":
                self._move(_read_pointer(step["from"]), to)
            case "copy":
                parent, key = self._there(_read_pointer(step["from"]))
                self._add(to, self._copy(parent[key]))
            case "test":
                parent, key = self._there(to)
                if not _is_equal(parent[key], step["value"]):
                    raise _Misfit("the value is another one")
            case _:
                raise ValueError("no operation of JSON Patch")

    def _move(self, source: list[str], to: list[str]) -> None:
        if to[: len(source)] == source and len(to) > len(source):
            raise _Misfit("nothing is moved into itself")
        self._add(to, self._take(source))

    def _take(self, path: list[str]) -> Any:
        parent, key = self._there(path)
        return parent.pop(key)

    def _copy(self, value: Any) -> Any:
        self._copied += _size(value)
        if self._copied > _MOST_COPIED:
            raise _Misfit("too much is copied")
        return copy.deepcopy(value)

    def _add(self, path: list[str], value: Any) -> None:
        parent, last = self._parent(path), path[-1]
        if isinstance(parent, dict):
            parent[last] = value
        else:
            parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)

    def _there(self, path: list[str]) -> tuple[Any, Any]:
        """The object or list, and the place in it, of something that is there."""
        parent, last = self._parent(path), path[-1]
        if isinstance(parent, list):
            return parent, _index(last, len(parent))
        if last not in parent:
            raise _Misfit("there is nothing at its path")
        return parent, last

    def _parent(self, path: list[str]) -> Node:
        node: Any = self._holder
        for name in path[:-1]:
            if isinstance(node, dict) and name in node:
                node = node[name]
            elif isinstance(node, list):
                node = node[_index(name, len(node))]
            else:
                raise _Misfit("there is nothing at its path")
        if not isinstance(node, dict | list):
            raise _Misfit("there is nothing at its path")
        return node


def _read_pointer(text: Any) -> list[str]:
    """A JSON Pointer's names, below the holder."""
    if not isinstance(text, str) or (text and not text.startswith("/")) or re.search(r"~(?![01])", text):
        raise ValueError("no JSON Pointer")
    return [name.replace("~1", "/").replace("~0", "~") for name in text.split("/")]


def _index(text: str, below: int) -> int:
    if not _INDEX.fullmatch(text) or int(text) >= below:
        raise _Misfit("there is no such place in the list")
    return int(text)


def _size(value: Any) -> int:
    """How many values stand in it."""
    count, ahead = 0, [value]
    while ahead:
        each = ahead.pop()
        count += 1
        ahead += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return count


def _is_equal(one: Any, other: Any) -> bool:
    """As JSON has it: 1 is 1.0, and neither is true."""
    if any(isinstance(one, kind) is not isinstance(other, kind) for kind in (bool, dict, list)):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_equal(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return bool(one == other)
