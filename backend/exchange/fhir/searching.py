"""A search as it stands in an address, read: what the record is asked, what is looked at afterwards. Pure.

A parameter that we do not know is refused: to leave out a filter would show more than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from backend.exchange.fhir.issues import Refused, refuse
from backend.exchange.fhir.narrowing import Narrowing, read_narrowing
from backend.exchange.fhir.parameters import OF_PERSON, Parameter, includes_of, parameters_of
from backend.exchange.fhir.references import read
from backend.exchange.fhir.reverse import Reverse, reverses_of
from backend.exchange.fhir.values import DateAsked, date_asked, span_of, token_fits, values
from backend.records.ids import is_resource_id
from backend.records.models import RecordQuery
from backend.records.types import TYPES

Pairs = list[tuple[str, str]]
Filter = Callable[[dict[str, Any]], bool]

MOST = 200
USUAL = 50
# About the answer, not about what is looked for.
_OF_ANSWER = ("_format", "_pretty")
_BY_PERSONS_NUMBER = {f"{name}.identifier" for name in OF_PERSON}
# How exactly it should be told how many there are: always exactly, or not at all.
_TOTALS = ("none", "estimate", "accurate")
_SORTS = {"date": "at", "-date": "-at", "_lastUpdated": "updated", "-_lastUpdated": "-updated"}


@dataclass(frozen=True, slots=True)
class Search:
    """One search. `person` is a chart's or a person's id; `person_number` an identifier of one."""

    kind: str
    query: RecordQuery
    person: str = ""
    person_number: str = field(default="", repr=False)
    linked_to: str = ""
    filters: tuple[Filter, ...] = ()
    includes: tuple[str, ...] = ()
    reverses: tuple[Reverse, ...] = ()
    only_count: bool = False
    narrowing: Narrowing = field(default_factory=Narrowing)
    # What the links of the answer repeat.
    said: tuple[tuple[str, str], ...] = ()


class _Reading:
    """Takes up one parameter after another."""

    def __init__(self, kind: str, base: str) -> None:
        self._base = base
        self._known = parameters_of(kind)
        self._of_person = not is_of_organization(kind)
        self.search = Search(kind, RecordQuery(types=(kind,), limit=USUAL))

    def take(self, name: str, value: str) -> None:
        if name in _OF_ANSWER:
            return
        if not value:
            raise refuse(Refused.PARAMETER_VALUE, f"'{name[:40]}' has no value.")
        if name != "_cursor":
            self.search = replace(self.search, said=(*self.search.said, (name, value)))
        if not self._answer(name, value) and not self._person(name, value):
            self._parameter(name, value)

    def _ask(self, **more: Any) -> None:
        self.search = replace(self.search, query=replace(self.search.query, **more))

    def _filter(self, wanted: Filter) -> None:
        self.search = replace(self.search, filters=(*self.search.filters, wanted))

    def _answer(self, name: str, value: str) -> bool:
        """Paging, order, what comes along."""
        match name:
            case "_count":
                if not value.isdecimal() or len(value) > 6:
                    raise refuse(Refused.PARAMETER_VALUE, "_count is a whole number.")
                self.search = replace(self.search, only_count=self.search.only_count or int(value) == 0)
                self._ask(limit=max(1, min(int(value), MOST)))
            case "_summary" | "_elements":
                # What they say of the resources is read at the end, all of them together.
                self.search = replace(self.search, only_count=value == "count" or self.search.only_count)
            case "_total" if value in _TOTALS:
                pass
            case "_sort" if value in _SORTS:
                self._ask(sort=_SORTS[value])
            case "_total" | "_sort":
                told = ", ".join(_SORTS if name == "_sort" else _TOTALS)
                raise refuse(Refused.PARAMETER_VALUE, f"{name} may be one of: {told}.")
            case "_cursor":
                self._ask(cursor=value)
            case "_include":
                self._include(value)
            case "_revinclude":
                self._revinclude(value)
            case _:
                return False
        return True

    def _include(self, value: str) -> None:
        kind, _, name = value.partition(":")
        name = name.partition(":")[0]
        paths = includes_of(self.search.kind)
        if kind != self.search.kind or (name not in paths and name != "*"):
            known = ", ".join(f"{self.search.kind}:{each}" for each in sorted(paths))
            raise refuse(Refused.PARAMETER_VALUE, f"_include may be one of: {known}.")
        wanted = paths.values() if name == "*" else (paths[name],)
        self.search = replace(self.search, includes=(*self.search.includes, *wanted))

    def _revinclude(self, value: str) -> None:
        named, _, target = value.partition(":")[2].partition(":")
        known = reverses_of(self.search.kind)
        wanted = known.get(f"{value.partition(':')[0]}:{named}")
        if wanted is None or target not in ("", self.search.kind):
            raise refuse(
                Refused.PARAMETER_VALUE, f"_revinclude may be one of: {', '.join(sorted(known)) or 'none'}."
            )
        self.search = replace(self.search, reverses=(*self.search.reverses, wanted))

    def _person(self, name: str, value: str) -> bool:
        plain, _, type_ = name.partition(":")
        before = self.search
        if name in _BY_PERSONS_NUMBER or name in {f"{each}:Patient.identifier" for each in OF_PERSON}:
            self.search = replace(self.search, person_number=value)
        elif self.search.kind == "Patient" and name == "link":
            self.search = replace(self.search, linked_to=self._id("Patient", value))
        elif plain in OF_PERSON and type_ in ("", "Patient") and self._of_person:
            self.search = replace(self.search, person=self._id("Patient", value))
        else:
            return False
        if before.person or before.person_number or before.linked_to:
            raise refuse(Refused.PARAMETER_VALUE, "A search names one patient, once.")
        return True

    def _id(self, kind: str, value: str) -> str:
        said = value if "/" in value else f"{kind}/{value}" if kind else value
        id = read(said, self._base).id
        if not is_resource_id(id):
            raise refuse(Refused.NOT_FOUND, "There is no resource of this id.")
        return id

    def _parameter(self, name: str, value: str) -> None:
        parameter = self._known.get(name)
        if parameter is None:
            known = ", ".join(sorted({*self._known, *(OF_PERSON if self._of_person else ())}))
            plain, modifier, _ = name.partition(":")
            what = "modifier of" if modifier and plain in self._known else "search parameter"
            raise refuse(
                Refused.PARAMETER_UNKNOWN,
                f"No {what} '{plain[:40]}' is supported for {self.search.kind}; there are: {known}.",
            )
        {"token": self._token, "date": self._date, "reference": self._reference}[parameter.kind](
            parameter, value
        )

    def _token(self, parameter: Parameter, value: str) -> None:
        wanted = value.split(",")
        if any(not each.rpartition("|")[2] for each in wanted):
            raise refuse(Refused.PARAMETER_VALUE, f"'{parameter.name}' needs a code: system|code or code.")
        rule = TYPES[self.search.kind]
        if parameter.name == "_id":
            before = self.search.query.ids
            ids = tuple(each for each in wanted if is_resource_id(each) and (not before or each in before))
            # None of them can be one of ours: nothing is found, without asking for everything.
            self._ask(ids=ids or ("-",))
            return
        if parameter.name == "identifier":
            self._ask(business=tuple(wanted))
        elif parameter.path == rule.status and "." not in rule.status and parameter.name != "active":
            self._ask(statuses=tuple(each.rpartition("|")[2] for each in wanted))
        elif parameter.path in rule.codes and not self.search.query.codes:
            self._ask(codes=tuple(each.removeprefix("|") for each in wanted))
        self._filter(
            lambda body: any(
                token_fits(each, found) for found in values(body, parameter.path) for each in wanted
            )
        )

    def _date(self, parameter: Parameter, value: str) -> None:
        read_values = [date_asked(each) for each in value.split(",")]
        asked = [each for each in read_values if each is not None]
        if len(asked) != len(read_values):
            raise refuse(
                Refused.PARAMETER_VALUE, f"'{parameter.name}' is a date, with a prefix such as ge or lt."
            )
        if parameter.name == "_lastUpdated" and len(asked) == 1 and asked[0].prefix in ("ge", "gt", "sa"):
            since = asked[0].span.since if asked[0].prefix == "ge" else asked[0].span.until
            self._ask(last_updated_since=since)
        elif len(asked) == 1 and asked[0].prefix in ("le", "lt", "eb", "eq"):
            self._bound(parameter, asked[0])
        self._filter(
            lambda body: any(
                each.fits(found)
                for value_ in values(body, parameter.path)
                if (found := span_of(value_)) is not None
                for each in asked
            )
        )

    def _bound(self, parameter: Parameter, asked: DateAsked) -> None:
        """What ends before something has begun before it: the index may leave the rest out."""
        first = TYPES[self.search.kind].at[:1]
        if first and parameter.path.removesuffix("[x]") in (first[0], _stem(first[0])):
            before = asked.span.until if asked.prefix in ("le", "eq") else asked.span.since
            until = self.search.query.until
            self._ask(until=before if until is None else min(until, before))

    def _reference(self, parameter: Parameter, value: str) -> None:
        ids = tuple(self._id("", each) if "/" in each else each for each in value.split(","))
        if any(not is_resource_id(id) for id in ids):
            raise refuse(Refused.NOT_FOUND, f"'{parameter.name}' names no resource of ours.")
        if parameter.path == TYPES[self.search.kind].encounter and len(ids) == 1:
            if self.search.query.encounter_id not in (None, ids[0]):
                raise refuse(Refused.PARAMETER_VALUE, f"'{parameter.name}' is named once.")
            self._ask(encounter_id=ids[0])
            return
        self._ask(refs=ids)
        self._filter(
            lambda body: any(
                isinstance(each, dict) and str(each.get("reference", "")).rpartition("/")[2] in ids
                for each in values(body, parameter.path)
            )
        )


def _stem(name: str) -> str:
    """`effectiveDateTime` is a form of `effective`."""
    for end in ("DateTime", "Period", "Instant"):
        if name.endswith(end):
            return name.removesuffix(end)
    return name


def is_of_organization(kind: str) -> bool:
    """Whether resources of this type are an organization's, and about no person."""
    return TYPES[kind].sensitivity == 1


def parse(kind: str, pairs: Iterable[tuple[str, str]], base: str) -> Search:
    """A search for one type. Raises a refusal naming the parameter."""
    reading = _Reading(kind, base)
    for name, value in pairs:
        reading.take(name, value)
    search = replace(reading.search, narrowing=read_narrowing(kind, reading.search.said))
    asked = search.person or search.person_number or search.linked_to
    if (
        search.query.sort in ("at", "-at")
        and not asked
        and ("_sort", "date") in {(name, value.removeprefix("-")) for name, value in search.said}
    ):
        raise refuse(
            Refused.PARAMETER_VALUE, "_sort=date needs a patient: name one, or sort by _lastUpdated."
        )
    return search
