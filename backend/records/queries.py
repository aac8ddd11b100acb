"""A basis and a question as a query: what the basis does not cover cannot be asked for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.errors import AppError, ErrorCode
from backend.records.ids import owner_of
from backend.records.models import Basis, BasisKind, RecordQuery, Resource, Sort
from backend.records.types import TYPES

Rules = dict[str, Any]

# More cursors than this the server will not merge; it would sort everything instead.
_MOST_MERGED = 200
_CURSOR = re.compile(r"(-?\d{1,15})\.([0-9A-Z-]{26,53})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Rules, order, and the index that answers both."""

    rules: Rules
    order: list[tuple[str, int]]
    index: str


class Search:
    """Turns questions into queries within one basis."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._everything_sent = covers_all_sent(basis)

    def one(self, id: str) -> Rules:
        """One resource by its id."""
        return {"_id": id} | self._covered([owner_of(id)])

    def versions(self, id: str) -> Rules:
        """Every older version of a resource."""
        return {"resource_id": id} | self._covered([owner_of(id)])

    def page(
        self, query: RecordQuery, *, codes: list[str], business: list[str], shown: bool, from_start: bool
    ) -> Page | None:
        """What a query looks for, within the basis; None when the basis leaves nothing of it."""
        owners = sorted({owner_of(id) for id in query.ids}) if query.ids else None
        rules = self._covered(owners)
        if not self._narrow_kinds(rules, query):
            return None
        order = order_of(self._basis, query.sort)
        index = self._index(query, rules, shown)
        rules |= {"deleted": False} | ({"shown": True} if shown else {})
        _add(rules, "at", {"$gte": query.since, "$lt": query.until})
        _add(rules, "updated_at", {"$gte": query.last_updated_since})
        _among(rules, "_id", query.ids)
        _among(rules, "codes", codes)
        _among(rules, "business", business)
        _among(rules, "refs", query.refs)
        _among(rules, "status", query.statuses)
        if query.encounter_id is not None:
            rules["encounter_id"] = query.encounter_id
        if query.cursor is not None and not from_start:
            rules = _after(rules, query.cursor, order)
        return Page(rules, order, index)

    def _covered(self, owners: list[str] | None) -> Rules:
        """The rules that hold for whatever is read on this basis."""
        basis = self._basis
        rules: Rules = {"sensitivity": {"$lte": basis.max_sensitivity}}
        if basis.kind is BasisKind.ORIGIN:
            rules["organization_id"] = basis.organization_id
        if not self._everything_sent:
            charts = basis.chart_ids if owners is None else [id for id in owners if id in basis.chart_ids]
            rules["chart"] = {"$in": sorted(charts)}
        elif owners is not None:
            rules["chart"] = {"$in": owners}
        if basis.kinds is not None:
            rules["kind"] = {"$in": sorted(basis.kinds)}
        _add(rules, "at", {"$gte": basis.since, "$lt": basis.until})
        return rules

    def _narrow_kinds(self, rules: Rules, query: RecordQuery) -> bool:
        if query.kinds:
            kinds = set(query.kinds)
            if self._basis.kinds is not None:
                kinds &= self._basis.kinds
            rules["kind"] = {"$in": sorted(kinds)}
        if query.types:
            rules["type"] = {"$in": sorted(query.types)}
        return self._everything_sent or bool(rules["chart"]["$in"])

    def _index(self, query: RecordQuery, rules: Rules, shown: bool) -> str:
        if query.ids:
            return "_id_"
        if query.business:
            return "business"
        if self._everything_sent:
            rules.setdefault("type", {"$in": sorted(TYPES)})
            return "sent"
        if query.encounter_id is not None:
            return "encounter"
        if query.codes:
            return "codes"
        if not shown:
            return "of_type"
        kinds = rules.get("kind")
        many = kinds is None or len(kinds["$in"]) * len(rules["chart"]["$in"]) > _MOST_MERGED
        return "timeline" if many else "timeline_of_kind"


def covers_all_sent(basis: Basis) -> bool:
    """Whether a basis names an organization instead of charts."""
    return basis.kind is BasisKind.ORIGIN and not basis.chart_ids


def order_of(basis: Basis, sort: Sort) -> list[tuple[str, int]]:
    """In which order a page comes; all that an organization ever sent, for want of an index, as it came."""
    direction = -1 if sort.startswith("-") else 1
    by_update = sort.endswith("updated") or covers_all_sent(basis)
    return [("updated_at" if by_update else "at", direction), ("_id", direction)]


def cursor_of(basis: Basis, sort: Sort, last: Resource) -> str:
    """Where the next page goes on."""
    name = order_of(basis, sort)[0][0]
    at = last.updated_at if name == "updated_at" else last.at
    return f"{(at - _EPOCH) // timedelta(milliseconds=1)}.{last.id}"


def _after(rules: Rules, cursor: str, order: list[tuple[str, int]]) -> Rules:
    read = _CURSOR.fullmatch(cursor)
    if read is None:
        raise AppError(ErrorCode.BAD_REQUEST, "record cursor")
    try:
        at, id = _EPOCH + timedelta(milliseconds=int(read[1])), read[2]
    except OverflowError as error:
        raise AppError(ErrorCode.BAD_REQUEST, "record cursor") from error
    name, direction = order[0]
    to, beyond = ("$lte", "$lt") if direction < 0 else ("$gte", "$gt")
    # The bound narrows the walk through the index; of those at the very instant the id decides.
    _add(rules, name, {to: at})
    return rules | {"$or": [{name: {beyond: at}}, {"_id": {beyond: id}}]}


def _add(rules: Rules, name: str, bounds: Rules) -> None:
    """Bounds beside those that are there: whichever is narrower holds."""
    for operator, value in bounds.items():
        if value is None:
            continue
        there = rules.setdefault(name, {})
        if operator not in there:
            there[operator] = value
        elif operator.startswith("$g"):
            there[operator] = max(there[operator], value)
        else:
            there[operator] = min(there[operator], value)


def _among(rules: Rules, name: str, values: list[str] | tuple[str, ...]) -> None:
    if values:
        rules[name] = {"$in": sorted(set(values))}
