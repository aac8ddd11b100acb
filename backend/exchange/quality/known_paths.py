"""Whether a path leads to something that R4 knows, and of what type that is."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from backend.exchange.fhir.definitions import Element, Shape, served_types, shape_of, targets_of
from backend.exchange.quality.paths import PathError, read_path

_STEP = re.compile(r"(->)|\.?([A-Za-z][A-Za-z0-9]*)|\[([A-Za-z.]+)=[^\]]*\]")
# What a resource within a resource may be is not told by where it stands.
_ANYTHING = "Resource"
_SHOWN = 8


class PathUnknownError(ValueError):
    """The path leads nowhere; the words are for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path has come to: what stands in there, and what it is called by R4."""

    type: str
    inner: tuple[str, str] | None
    targets: frozenset[str] = frozenset()


def types_at(resource_type: str, path: str) -> frozenset[str]:
    """The types of what a path leads to, over all its alternatives. Raises PathUnknownError."""
    try:
        read_path(path)
    except PathError:
        raise PathUnknownError(f"“{path}”不是路径，请写成如 code.coding.code 的样子") from None
    ways = [_along([_Place(resource_type, (resource_type, ""))], way.strip()) for way in path.split("|")]
    return frozenset(place.type for way in ways for place in way)


def _along(places: list[_Place], way: str) -> list[_Place]:
    for step in _STEP.finditer(way):
        if step[1]:
            places = _followed(places, way)
        elif step[2]:
            places = _below(places, step[2])
        else:
            _along(places, step[3])
    return places


def _followed(places: list[_Place], way: str) -> list[_Place]:
    targets = {target for place in places for target in place.targets}
    if not targets and not any(place.type == _ANYTHING for place in places):
        raise PathUnknownError(f"“{way}”里“->”前面的不是引用，不能跟到另一份资料")
    known = targets & set(served_types())
    return [_Place(name, (name, "")) for name in sorted(known)] or [_Place(_ANYTHING, None)]


def _below(places: list[_Place], name: str) -> list[_Place]:
    if any(place.type == _ANYTHING for place in places):
        return [_Place(_ANYTHING, None)]
    shapes = [(shape_of(*place.inner), place.inner) for place in places if place.inner is not None]
    found = [_place(shape.elements[name], at, name) for shape, at in shapes if name in shape.elements]
    if not found:
        raise PathUnknownError(_unknown(places, [shape for shape, _ in shapes], name))
    return found


def _place(element: Element, at: tuple[str, str], name: str) -> _Place:
    # An element of several types is described under its own name, without that of the type.
    _, path = at
    full = f"{path}.{name}" if path else name
    return _Place(element.type, element.inner, element.targets or targets_of(at[0], full))


def _unknown(places: list[_Place], shapes: list[Shape], name: str) -> str:
    where = "、".join(sorted({place.type for place in places}))
    if not shapes:
        return f"{where}下面没有更细的项目，“{name}”要去掉"
    names = sorted({each for shape in shapes for each in shape.elements})
    near = [each for each in names if each.startswith(name)] or difflib.get_close_matches(name, names, 3)
    if near:
        return f"{where}没有“{name}”这个项目，是不是 {'、'.join(near[:_SHOWN])}？"
    return f"{where}没有“{name}”这个项目，有的是 {'、'.join(names[:_SHOWN])} 等"
