"""Referrals at /fhir/R4: read and searched by both sides, sent by a transaction, moved by updating the Task.

Their ids are the referrals' own and have no hyphen; resources of the record have one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.bundles import checked, version_of
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.finding import Page, not_there
from backend.exchange.fhir.issues import Issue, Refused, RefusedError, refuse
from backend.exchange.fhir.referral_ports import ReferralDesk, ReferralView
from backend.exchange.fhir.referral_reading import is_referral, move_of, wish_of
from backend.exchange.fhir.referral_resources import (
    CATEGORY,
    CATEGORY_SYSTEM,
    ORGANIZATIONS,
    TASK_STATUS,
    care_plan,
    plan_status,
    service_request,
    task,
)
from backend.exchange.fhir.searching import MOST, Search
from backend.ids import is_id, new_id
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.models import RecordQuery

# What a referral is sent as; and what of it is read.
_SENT = frozenset({"ServiceRequest", "Task"})
TYPES = (*sorted(_SENT), "CarePlan")
_SHOWN: dict[str, Callable[[ReferralView], dict[str, Any]]] = {
    "ServiceRequest": service_request,
    "Task": task,
    "CarePlan": care_plan,
}
# By which a search asks for these and not for what lies in the record.
_ASKS = {"ServiceRequest": "category", "Task": "code", "CarePlan": "category"}
_TOKEN = f"{CATEGORY_SYSTEM}|{CATEGORY}"
_TAKEN = "category, code, status, owner, requester, performer, focus, _id, _include=Task:focus and _count"
_ALONE = "A referral is sent by a transaction of its own: one ServiceRequest, and the Task whose focus it is."
_REFUSALS = {
    ErrorCode.VERSION_CONFLICT: (Refused.VERSION_CONFLICT, "The referral has moved on: read it again."),
}


@dataclass
class ReferralFace:
    """The endpoints' way to referrals. `desk` is filled in by the composition root."""

    base: str
    desk: ReferralDesk | None = None

    def is_of(self, type: str, id: str) -> bool:
        """Whether this is the address of a referral."""
        return type in TYPES and is_id(id)

    def asks(self, type: str, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether a search asks for referrals."""
        return type in TYPES and (_ASKS[type], _TOKEN) in pairs

    async def read(self, actor: Actor, type: str, id: str) -> tuple[dict[str, Any], ReferralView]:
        """One of the two. Raises a refusal that another's and nobody's share."""
        try:
            view = await self._desk.get(actor, id)
        except AppError as error:
            raise _refusal(error) from error
        if type == "CarePlan" and not view.plan:
            raise not_there()
        return _SHOWN[type](view), view

    async def page(self, actor: Actor, type: str, pairs: Sequence[tuple[str, str]]) -> Page:
        """A page of a search."""
        asked = _Asked.read(type, pairs)
        if asked.ids:
            views = [(await self.read(actor, type, id))[1] for id in asked.ids if is_id(id)]
            cursor = None
        else:
            own = organization_of(actor)
            incoming = {asked.owner: True, asked.requester: False}.get(own)
            found = await self._desk.find(
                actor,
                incoming=incoming,
                states=asked.states,
                cursor=asked.cursor,
                limit=asked.limit,
                planned=type == "CarePlan",
            )
            views, cursor = list(found.items), found.cursor
        views = [view for view in views if asked.fits(view) and (type != "CarePlan" or view.plan)]
        included = [service_request(view) for view in views] if asked.with_request else []
        search = Search(type, RecordQuery(), said=tuple(pair for pair in pairs if pair[0] != "_cursor"))
        return Page(search, [_SHOWN[type](view) for view in views], included, cursor)

    async def put(
        self, actor: Actor, type: str, id: str, body: dict[str, Any], if_version: int | None
    ) -> tuple[dict[str, Any], ReferralView]:
        """Move a referral by its Task; a ServiceRequest does not change once it is sent."""
        if wrong := problems(body):
            raise RefusedError(*wrong)
        if body["resourceType"] != type:
            raise refuse(Refused.TYPE_MISMATCH, f"The request says {type}.")
        if body.get("id") != id:
            raise refuse(Refused.ID_MISMATCH, "The id in the address and in the resource differ.")
        if type != "Task":
            told = "Update the Task of the referral; of its plan, POST /hospital/v1/referrals/<id>/follow_up."
            raise refuse(Refused.BUNDLE_ENTRY, told)
        try:
            view = await self._desk.move(actor, id, move_of(body), if_version)
        except AppError as error:
            raise _refusal(error) from error
        return task(view), view

    def holds(self, bundle: Any) -> bool:
        """Whether a transaction sends or moves a referral."""
        entries = bundle.get("entry") if isinstance(bundle, dict) else None
        return isinstance(entries, list) and any(
            isinstance(entry, dict) and is_referral(entry.get("resource")) for entry in entries
        )

    async def carry_out(self, actor: Actor, bundle: Any, key: str) -> dict[str, Any]:
        """A transaction that sends one referral, or moves one by its Task."""
        entries = bundle.get("entry") or []
        if bundle.get("type") != "transaction":
            raise refuse(Refused.BUNDLE_TYPE, _ALONE, "Bundle.type")
        shell = {**bundle, "entry": [_without_resource(entry) for entry in entries]}
        if wrong := problems(shell):
            raise RefusedError(*wrong)
        issues: list[Issue] = []
        for number, entry in enumerate(entries):
            issues += await checked(entry.get("resource"), number, f"Bundle.entry[{number}].resource")
        if issues:
            raise RefusedError(*issues)
        moved = await self._moved(actor, entries)
        if moved is not None:
            return self._answer([("Task", moved, "200 OK")])
        at = _parts(entries)
        request = entries[at["ServiceRequest"]]["resource"]
        wish = wish_of(request, f"Bundle.entry[{at['ServiceRequest']}].resource")
        try:
            view = await self._desk.send(actor, wish, key or _own_number(request) or new_id())
        except AppError as error:
            raise _refusal(error) from error
        kinds = [entry["resource"]["resourceType"] for entry in entries]
        return self._answer([(kind, view, "201 Created") for kind in kinds])

    async def _moved(self, actor: Actor, entries: list[dict[str, Any]]) -> ReferralView | None:
        """One entry that is PUT Task/id."""
        request = entries[0].get("request") or {}
        if len(entries) != 1 or request.get("method") != "PUT":
            return None
        id = str(request.get("url", "")).rpartition("Task/")[2]
        if not is_id(id):
            raise not_there()
        if_version = version_of(request.get("ifMatch"), "Bundle.entry[0]")
        return (await self.put(actor, "Task", id, entries[0]["resource"], if_version))[1]

    def _answer(self, done: list[tuple[str, ReferralView, str]]) -> dict[str, Any]:
        return {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [
                {
                    "response": {
                        "status": status,
                        "location": f"{self.base}/{kind}/{view.id}",
                        "etag": f'W/"{view.version}"',
                    }
                }
                for kind, view, status in done
            ],
        }

    @property
    def _desk(self) -> ReferralDesk:
        if self.desk is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no referrals")
        return self.desk


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parameters of a search, read."""

    ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    owner: str = ""
    requester: str = ""
    with_request: bool = False
    plan_status: tuple[str, ...] = ()
    limit: int = 20
    cursor: str | None = None

    @classmethod
    def read(cls, type: str, pairs: Sequence[tuple[str, str]]) -> _Asked:
        given: dict[str, Any] = {}
        for name, value in pairs:
            name = name.removesuffix(":identifier")
            match name:
                case "category" | "code" | "_format" | "_pretty":
                    continue
                case "_id":
                    given["ids"] = tuple(value.split(","))[:MOST]
                case "status" if type == "CarePlan":
                    given["plan_status"] = tuple(one.rpartition("|")[2] for one in value.split(","))
                case "status":
                    given["states"] = _states(type, value)
                case "focus" if type == "Task":
                    given["ids"] = (value.rpartition("/")[2],)
                case "owner" | "performer":
                    given["owner"] = _named(value)
                case "requester":
                    given["requester"] = _named(value)
                case "_include" if value in ("Task:focus", "Task:focus:ServiceRequest"):
                    given["with_request"] = True
                case "_count" if value.isdecimal() and 0 < int(value[:6]) <= MOST:
                    given["limit"] = min(int(value[:6]), 100)
                case "_cursor":
                    given["cursor"] = value
                case _:
                    raise refuse(
                        Refused.PARAMETER_UNKNOWN, f"Referrals are searched by {_TAKEN}; not by {name[:40]}."
                    )
        return cls(**given)

    def fits(self, view: ReferralView) -> bool:
        """What the list itself is not asked."""
        return (
            self.owner in ("", view.receiver.code)
            and self.requester in ("", view.sender.code)
            and (not self.states or view.state.code in self.states)
            and (not self.plan_status or plan_status(view) in self.plan_status)
        )


def _states(type: str, said: str) -> tuple[str, ...]:
    wanted = {one.rpartition("|")[2] for one in said.split(",")}
    if type == "Task":
        found = [state for state, status in TASK_STATUS.items() if status in wanted]
    else:
        requests = {"active": ("requested", "accepted", "in-progress"), "on-hold": ("on-hold",)}
        requests |= {"completed": ("completed",), "revoked": ("rejected", "cancelled", "failed")}
        statuses = {status for one in wanted for status in requests.get(one, ())}
        found = [state for state, status in TASK_STATUS.items() if status in statuses]
    # A status that none of these can have: nothing fits, and all would.
    return tuple(found) or ("none",)


def _named(said: str) -> str:
    """`Organization/id`, or its identifier."""
    return said.removeprefix(f"{ORGANIZATIONS}|").rpartition("/")[2]


def _parts(entries: list[dict[str, Any]]) -> dict[str, int]:
    """Which entry is which. Raises a refusal unless there is one of each, and both are posted."""
    at = {
        entry["resource"]["resourceType"]: number
        for number, entry in enumerate(entries)
        if is_referral(entry.get("resource")) and (entry.get("request") or {}).get("method") == "POST"
    }
    if set(at) != _SENT or len(entries) != len(_SENT):
        raise refuse(Refused.BUNDLE_ENTRY, _ALONE, "Bundle.entry")
    focus = (entries[at["Task"]]["resource"].get("focus") or {}).get("reference", "")
    if focus != entries[at["ServiceRequest"]].get("fullUrl"):
        raise refuse(Refused.REFERENCE_UNKNOWN, _ALONE, f"Bundle.entry[{at['Task']}].resource.focus")
    if entries[at["Task"]]["resource"].get("status") != "requested":
        told = "The Task of a referral that is sent is `requested`."
        raise refuse(Refused.CODE, told, f"Bundle.entry[{at['Task']}].resource.status")
    return at


def _own_number(request: dict[str, Any]) -> str:
    """The sender's own number of it, by which a repeat is known."""
    said = next((one for one in request.get("identifier") or [] if one.get("value")), None)
    return f"fhir:{said.get('system', '')}|{said['value']}"[:200] if said else ""


def _without_resource(entry: Any) -> Any:
    return {**entry, "resource": {"resourceType": "Basic"}} if isinstance(entry, dict) else entry


def _refusal(error: AppError) -> Exception:
    if error.code is ErrorCode.NOT_FOUND:
        return not_there()
    if error.code in _REFUSALS:
        return refuse(*_REFUSALS[error.code])
    return error
