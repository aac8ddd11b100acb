"""Bundles: a page of a search or a history as one, and one that was sent, entry by entry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from backend.errors import AppError
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.definitions import served_types
from backend.exchange.fhir.finding import Page
from backend.exchange.fhir.http import instant, issue_of
from backend.exchange.fhir.intake import Intake
from backend.exchange.fhir.intake_models import Done, Wanted
from backend.exchange.fhir.issues import Issue, Refused, RefusedError, outcome, refuse
from backend.permissions import Actor
from backend.records.ids import is_resource_id
from backend.records.models import Outcome, Resource

MOST_ENTRIES = 1000
_URL = re.compile(r"([A-Z][A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?(?:\?(.+))?")
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')
# So many resources are checked before others have their turn.
_AT_ONCE = 10
STATUS = {
    Outcome.CREATED: "201 Created",
    Outcome.UPDATED: "200 OK",
    Outcome.UNCHANGED: "200 OK",
    Outcome.DELETED: "204 No Content",
}

_INCOMPLETE = {
    "severity": "warning",
    "code": "incomplete",
    "details": {"text": "引用这些资源的内容很多，没有全部返回，请按类型单独查询。"},
    "diagnostics": "More refers to what was found than comes along: search for it by itself.",
}

# Answers a GET within a Bundle: the address below ours.
Get = Callable[[str], Awaitable[dict[str, Any]]]
# Counts so many more requests of the caller's; for each None, or why it is one too many.
Count = Callable[[int], Awaitable[list[AppError | None]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a Bundle, read."""

    number: int
    method: str
    url: str
    type: str
    id: str
    wanted: Wanted | None = None
    if_version: int | None = None

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.number}]"


# -- answers -------------------------------------------------------------------------------------------


def searchset(base: str, page: Page, path: str) -> dict[str, Any]:
    """A page of a search as a Bundle, with the address of the next page."""
    said = [
        pair
        for pair in page.search.said
        if not pair[0].endswith("identifier") or page.search.kind != "Patient"
    ]
    said = [pair for pair in said if not pair[0].endswith(".identifier")]
    if page.search.person and not any(name in ("patient", "subject") for name, _ in said):
        said.append(("patient", page.search.person))
    links = [{"relation": "self", "url": _address(base, path, said)}]
    if page.cursor:
        links.append({"relation": "next", "url": _address(base, path, [*said, ("_cursor", page.cursor)])})
    modes = [(page.search.narrowing.of(body), "match") for body in page.matches] + [
        (body, "include") for body in page.included
    ]
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": f"{base}/{body['resourceType']}/{body['id']}",
            "resource": body,
            "search": {"mode": mode},
        }
        for body, mode in modes
    ]
    if page.incomplete:
        entries.append({"resource": outcome([_INCOMPLETE]), "search": {"mode": "outcome"}})
    return (
        {"resourceType": "Bundle", "type": "searchset"}
        | ({"total": page.total} if page.total is not None else {})
        | {"link": links}
        | ({"entry": entries} if entries else {})
    )


def history(base: str, versions: Sequence[Resource]) -> dict[str, Any]:
    """All versions of a resource, the newest first."""
    return {
        "resourceType": "Bundle",
        "type": "history",
        "total": len(versions),
        "entry": [_version(base, each) for each in versions],
    }


def _version(base: str, resource: Resource) -> dict[str, Any]:
    name = f"{resource.type}/{resource.id}"
    method = "DELETE" if resource.deleted else "POST" if resource.version == 1 else "PUT"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    return (
        {"fullUrl": f"{base}/{name}"}
        | ({} if resource.deleted else {"resource": resource.body})
        | {
            "request": {"method": method, "url": resource.type if method == "POST" else name},
            "response": {
                "status": status,
                "etag": f'W/"{resource.version}"',
                "lastModified": instant(resource.updated_at),
            },
        }
    )


def _address(base: str, path: str, said: Sequence[tuple[str, str]]) -> str:
    return f"{base}/{path}" + (f"?{urlencode(said)}" if said else "")


# -- what was sent -------------------------------------------------------------------------------------


async def checked(resource: Any, number: int, where: str) -> list[Issue]:
    """What is wrong with a resource of a Bundle; lets others have their turn now and then."""
    if number % _AT_ONCE == _AT_ONCE - 1:
        await asyncio.sleep(0)
    return [issue.at(where) for issue in problems(resource)]


class Bundles:
    """Carries out transactions and batches."""

    def __init__(self, intake: Intake, base: str) -> None:
        self._intake = intake
        self._base = base

    async def carry_out(
        self, actor: Actor, bundle: Any, get: Get, count: Count, key: str = ""
    ) -> dict[str, Any]:
        """What the Bundle asks for, and the Bundle of answers. `key` tells a request that is sent again.

        Each entry of a batch counts as a request, as does each GET of a transaction, whose writes are one.
        """
        kind = bundle.get("type") if isinstance(bundle, dict) else None
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or kind not in _KINDS:
            raise refuse(
                Refused.BUNDLE_TYPE, "A Bundle of type transaction or batch is taken.", "Bundle.type"
            )
        entries = bundle.get("entry") or []
        if not isinstance(entries, list):
            raise refuse(Refused.STRUCTURE, "Bundle.entry is a list.", "Bundle.entry")
        if len(entries) > MOST_ENTRIES:
            raise refuse(Refused.BUNDLE_TOO_LARGE, f"More than {MOST_ENTRIES} entries.", "Bundle.entry")
        shell = {**bundle, "entry": [_without_resource(each) for each in entries]} if entries else bundle
        wrong = problems(shell)
        if wrong:
            raise RefusedError(*wrong)
        if kind == "transaction":
            await _count_reads(entries, count)
            answers = await self._transaction(actor, entries, get, key)
        else:
            answers = await self._batch(actor, entries, get, count, key)
        answer: dict[str, Any] = {"resourceType": "Bundle", "type": f"{kind}-response"}
        return answer | ({"entry": answers} if answers else {})

    async def _transaction(
        self, actor: Actor, entries: list[Any], get: Get, key: str
    ) -> list[dict[str, Any]]:
        read, issues = [], list[Issue]()
        for number, each in enumerate(entries):
            try:
                read.append(await self._read(each, number, key))
            except RefusedError as error:
                issues += error.issues
        issues += _twice(read)
        if issues:
            raise RefusedError(*issues)
        gone = [entry for entry in read if entry.method == "DELETE"]
        for entry in gone:
            await self._deletable(actor, entry)
        writes = [entry for entry in read if entry.wanted is not None]
        done: dict[int, Done] = {}
        if writes or gone:
            wanted = [entry.wanted for entry in writes if entry.wanted is not None]
            found = await self._intake.write(actor, wanted, gone=[entry.id for entry in gone])
            done = {entry.number: each for entry, each in zip(writes, found, strict=True)}
        return [await self._told(entry, done.get(entry.number), get) for entry in read]

    async def _batch(
        self, actor: Actor, entries: list[Any], get: Get, count: Count, key: str
    ) -> list[dict[str, Any]]:
        """Each entry by itself. The first was counted with the request."""
        refused = [None, *await count(len(entries) - 1)] if entries else []
        return [
            _refused(error) if error is not None else await self._alone(actor, each, number, get, key)
            for number, (each, error) in enumerate(zip(entries, refused, strict=True))
        ]

    async def _deletable(self, actor: Actor, entry: Entry) -> None:
        try:
            await self._intake.check_deletable(actor, entry.type, entry.id)
        except RefusedError as error:
            raise RefusedError(*(issue.at(entry.where) for issue in error.issues)) from None

    async def _alone(self, actor: Actor, each: Any, number: int, get: Get, key: str) -> dict[str, Any]:
        """One entry of a batch: its refusal concerns no other."""
        try:
            entry = await self._read(each, number, key)
            done = None
            if entry.wanted is not None:
                (done,) = await self._intake.write(actor, [entry.wanted])
            elif entry.method == "DELETE":
                await self._intake.delete(actor, entry.type, entry.id, entry.if_version)
            return await self._told(entry, done, get)
        except RefusedError as error:
            return {"response": {"status": str(error.status), "outcome": error.outcome()}}
        except AppError as error:
            return _refused(error)

    async def _told(self, entry: Entry, done: Done | None, get: Get) -> dict[str, Any]:
        if entry.method == "GET":
            return {"resource": await get(entry.url), "response": {"status": "200 OK"}}
        if done is None:
            return {"response": {"status": "204 No Content"}}
        location = f"{self._base}/{done.type}/{done.id}"
        if not done.version:
            return {"response": {"status": "200 OK", "location": location}}
        return {
            "response": {
                "status": STATUS[done.outcome],
                "location": f"{location}/_history/{done.version}",
                "etag": f'W/"{done.version}"',
            }
        }

    # -- reading an entry ------------------------------------------------------------------------------

    async def _read(self, entry: Any, number: int, key: str) -> Entry:
        where = f"Bundle.entry[{number}]"
        request = entry.get("request") or {}
        method, url = str(request.get("method", "")), str(request.get("url", ""))
        match = _URL.fullmatch(url.removeprefix(f"{self._base}/"))
        if method == "GET":
            return Entry(number, method, url.removeprefix(f"{self._base}/"), "", "")
        if match is None or method not in _METHODS or not _fits(method, match):
            told = "The request is POST Type, PUT Type/id, PUT Type?condition, DELETE Type/id, or a GET."
            raise refuse(Refused.BUNDLE_ENTRY, told, f"{where}.request")
        type_, id = match[1], match[2] or ""
        if type_ not in served_types():
            told = f"Resources of type {type_} are not kept here."
            raise refuse(Refused.TYPE_UNKNOWN, told, f"{where}.request.url")
        if_version = version_of(request.get("ifMatch"), where)
        if method == "DELETE":
            return Entry(number, method, url, type_, id, None, if_version)
        body = entry.get("resource")
        await self._check(body, number, type_, id, method)
        wanted = Wanted(
            method,
            type_,
            body,
            id if method == "PUT" else "",
            match[3] or ""
            if method == "PUT"
            else str(request.get("ifNoneExist", "")).removeprefix(type_).removeprefix("?"),
            if_version,
            str(entry.get("fullUrl", "")),
            f"{where}.resource",
            local=True,
            key=f"request/{key}/{number}" if key else "",
        )
        return Entry(number, method, url, type_, id, wanted)

    async def _check(self, body: Any, number: int, type_: str, id: str, method: str) -> None:
        where = f"Bundle.entry[{number}].resource"
        wrong = await checked(body, number, where)
        if wrong:
            raise RefusedError(*wrong)
        if body["resourceType"] != type_:
            raise refuse(Refused.TYPE_MISMATCH, f"The request says {type_}.", where)
        if method == "PUT" and id and body.get("id") != id:
            raise refuse(
                Refused.ID_MISMATCH, "The id in the request and in the resource differ.", f"{where}.id"
            )


async def _count_reads(entries: list[Any], count: Count) -> None:
    reads = sum((entry.get("request") or {}).get("method") == "GET" for entry in entries)
    for error in await count(reads):
        if error is not None:
            raise error


def _refused(error: AppError) -> dict[str, Any]:
    return {"response": {"status": str(error.status), "outcome": outcome([issue_of(error)])}}


_KINDS = ("transaction", "batch")
_METHODS = ("POST", "PUT", "DELETE")


def _fits(method: str, match: re.Match[str]) -> bool:
    if method == "POST":
        return match[2] is None and match[3] is None
    if method == "PUT":
        return (match[2] is None) is not (match[3] is None)
    return match[2] is not None and is_resource_id(match[2]) and match[3] is None


def version_of(said: Any, where: str) -> int | None:
    """Of an entry's `ifMatch`; None where it says none. Raises a refusal of what is no version."""
    if said is None:
        return None
    match = _ETAG.fullmatch(str(said).strip())
    if match is None:
        raise refuse(Refused.VERSION_NEEDED, 'ifMatch names a version: W/"3".', f"{where}.request.ifMatch")
    return int(match[1])


def _without_resource(entry: Any) -> Any:
    """The resources are checked one by one, each with its own place."""
    if not isinstance(entry, dict) or "resource" not in entry:
        return entry
    # Something has to stand there for the rules of the Bundle.
    return {**entry, "resource": {"resourceType": "Basic"}}


def _twice(entries: Sequence[Entry]) -> list[Issue]:
    """R4: within a transaction, no resource is named more than once."""
    seen: dict[str, int] = {}
    issues = []
    for entry in entries:
        names = [f"{entry.type}/{entry.id}"] if entry.id and entry.method != "GET" else []
        if entry.wanted is not None and entry.wanted.full_url:
            names.append(entry.wanted.full_url)
        for name in names:
            if seen.setdefault(name, entry.number) != entry.number:
                issues.append(
                    Issue(Refused.BUNDLE_ENTRY, "Another entry is about the same resource.", entry.where)
                )
                break
    return issues
