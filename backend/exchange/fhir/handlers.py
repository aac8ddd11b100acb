"""The endpoints of /fhir/R4: read what came, ask, answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.bundles import history, searchset
from backend.exchange.fhir.capability import capability_statement
from backend.exchange.fhir.checking import problems
from backend.exchange.fhir.finding import Page
from backend.exchange.fhir.http import FHIRHandler, checked_type
from backend.exchange.fhir.intake_models import Done, Wanted
from backend.exchange.fhir.issues import Refused, RefusedError, outcome, refuse
from backend.exchange.fhir.narrowing import read_narrowing
from backend.exchange.fhir.referral_ports import ReferralView
from backend.exchange.fhir.referral_reading import is_referral
from backend.exchange.fhir.searching import MOST, Search, parse
from backend.exchange.fhir.values import date_asked
from backend.http.endpoint import operation, public, requires
from backend.permissions import Permission
from backend.records.models import Outcome, RecordQuery, Resource

VERSION = "0.1.0"
_BUCKET = "hospital_write"
_ERRORS = (ErrorCode.CONFLICT, ErrorCode.VERSION_CONFLICT, ErrorCode.RESOURCE_INVALID)


class CapabilityHandler(FHIRHandler):
    """GET /fhir/R4/metadata."""

    @public("what a server can do is told before anybody signs in")
    @operation("What this server can do", tag="fhir", media="application/fhir+json")
    async def get(self) -> bytes | None:
        """The CapabilityStatement."""
        self.send(capability_statement(self.base, VERSION, self.city.settings.city_name))
        return None


class Reading(FHIRHandler):
    """What several endpoints read alike."""

    async def page(self, type: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """A page of a search as a Bundle."""
        referrals = self.services.fhir.referrals
        if referrals.asks(type, pairs):
            return searchset(self.base, await referrals.page(self.actor, type, pairs), type)
        search = parse(checked_type(type), pairs, self.base)
        found = await self.services.fhir.finder.search(self.actor, search, self.asked)
        return searchset(self.base, found, type)

    async def everything(self, id: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """All of a chart or person."""
        query, said = _everything(pairs)
        found = await self.services.fhir.finder.everything(self.actor, id, query, self.asked)
        page = Page(Search("Patient", query, said=said), found.matches, [], found.cursor, found.total)
        return searchset(self.base, page, f"Patient/{id}/$everything")

    async def below(self, url: str) -> dict[str, Any]:
        """What a GET of an address below ours answers: an entry of a Bundle.

        Without large documents: a hundred of them in one answer would fill the memory.
        """
        path, _, query = url.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        finder, asked = self.services.fhir.finder, self.asked
        match path.split("/"):
            case [type]:
                return await self.page(type, pairs)
            case ["Patient", id, "$everything"]:
                return await self.everything(id, pairs)
            case [type, id] if self.services.fhir.referrals.is_of(type, id):
                return (await self.services.fhir.referrals.read(self.actor, type, id))[0]
            case [type, id]:
                found = await finder.one(self.actor, checked_type(type), id, asked, whole=False)
                return found.body if isinstance(found, Resource) else found
            case [type, id, "_history"]:
                versions = await finder.history(self.actor, checked_type(type), id, asked)
                return history(self.base, versions)
            case [type, id, "_history", number]:
                version = await finder.version(self.actor, checked_type(type), id, number, asked, whole=False)
                return version.body
        raise refuse(Refused.BUNDLE_ENTRY, "No such address.")


class SystemHandler(Reading):
    """POST /fhir/R4."""

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Carry out a transaction or a batch",
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def post(self) -> bytes | None:
        """A Bundle of type `transaction` (all or nothing) or `batch` (each entry by itself)."""
        key, sent = self.idempotency_key, self.read_json()
        if self.services.fhir.referrals.holds(sent):
            self.send(await self.services.fhir.referrals.carry_out(self.actor, sent, key or ""))
            return None
        answer = await self.services.fhir.bundles.carry_out(
            self.actor, sent, self.below, self._count, f"{self.actor.id}/{key}" if key else ""
        )
        self.send(answer)
        return None

    async def _count(self, number: int) -> list[AppError | None]:
        """So many requests more than the one that brought the Bundle."""
        take = self.services.limiter.take
        asked = (take(_BUCKET, self.actor.id) for _ in range(number))
        found = await asyncio.gather(*asked, return_exceptions=True)
        for each in found:
            if each is not None and not isinstance(each, AppError):
                raise each
        return [each if isinstance(each, AppError) else None for each in found]


class Writing(Reading):
    """What several endpoints write alike."""

    async def take_in(self, wanted: Wanted) -> None:
        """Check, write, and answer as the client prefers."""
        wrong = problems(wanted.body)
        if wrong:
            raise RefusedError(*wrong)
        (done,) = await self.services.fhir.intake.write(self.actor, [wanted])
        await self._tell(done)

    async def _tell(self, done: Done) -> None:
        status = 201 if done.outcome is Outcome.CREATED else 200
        name = f"{self.base}/{done.type}/{done.id}"
        self.set_header("Location", f"{name}/_history/{done.version}" if done.version else name)
        if done.version:
            self.set_header("ETag", f'W/"{done.version}"')
        if self.preferred == "representation":
            found = await self.services.fhir.finder.one(self.actor, done.type, done.id, self.asked)
            if isinstance(found, Resource):
                self.send_resource(found, status)
        elif self.preferred == "OperationOutcome":
            self.send(_said(done), status)
        else:
            self.send(None, status)


def _said(done: Done) -> dict[str, Any]:
    texts = {Outcome.CREATED: "已保存。", Outcome.UPDATED: "已更新。", Outcome.UNCHANGED: "内容没有变化。"}
    text = {"text": texts.get(done.outcome, "已完成。")}
    return outcome([{"severity": "information", "code": "informational", "details": text}])


class TypeHandler(Writing):
    """/fhir/R4/{type}."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation("Search resources", tag="fhir", rate_limit="hospital_write", media="application/fhir+json")
    async def get(self, type: str) -> bytes | None:
        """A page as a Bundle; `link` leads to the next."""
        self.send(await self.page(type, self.pairs()))
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Create a resource", status=201,
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def post(self, type: str) -> bytes | None:
        """With `If-None-Exist` only when nothing fits that search."""
        body = self.read_resource(checked_type(type))
        if is_referral(body):
            told = "A referral is sent as a transaction: the ServiceRequest and its Task."
            raise refuse(Refused.BUNDLE_ENTRY, told)
        key = self.idempotency_key
        await self.take_in(
            Wanted(
                "POST",
                type,
                body,
                criteria=self.request.headers.get("If-None-Exist", "").removeprefix(type).removeprefix("?"),
                key=f"request/{self.actor.id}/{key}" if key else "",
            )
        )
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Update the one resource that fits a search, or create it",
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def put(self, type: str) -> bytes | None:
        """The search stands in the address."""
        body = self.read_resource(checked_type(type))
        criteria = self.request.query
        self.refuse_only_new()
        if not criteria:
            raise refuse(Refused.PARAMETER_VALUE, "PUT needs an id, or a search that finds one resource.")
        await self.take_in(Wanted("PUT", type, body, criteria=criteria, if_version=self.if_match()))
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Delete the one resource that fits a search", status=204,
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def delete(self, type: str) -> None:
        """The search stands in the address; 204 as well when nothing fits, 412 when more than one does."""
        kind, criteria = checked_type(type), self.request.query
        if not criteria:
            raise refuse(Refused.PARAMETER_VALUE, "DELETE needs an id, or a search that finds one resource.")
        await self.services.fhir.intake.delete_matching(self.actor, kind, criteria, self.if_match())
        self.send(None, 204)


class SearchHandler(Reading):
    """POST /fhir/R4/{type}/_search."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation(
        "Search resources, by a form", tag="fhir", rate_limit="hospital_write", media="application/fhir+json"
    )
    async def post(self, type: str) -> bytes | None:
        """What must not stand in an address is sent as a form."""
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise refuse(Refused.MEDIA_TYPE, "Send a form: application/x-www-form-urlencoded.")
        try:
            form = parse_qsl(self.request.body.decode(), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            raise refuse(Refused.NOT_UTF_8, "The form is not UTF-8, or too long.") from None
        self.send(await self.page(type, [*self.pairs(), *form]))
        return None


class InstanceHandler(Writing):
    """/fhir/R4/{type}/{id}."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation("Read a resource", tag="fhir", rate_limit="hospital_write", media="application/fhir+json")
    async def get(self, type: str, id: str) -> bytes | None:
        """As it stands; 304 when If-None-Match names its version."""
        if self.services.fhir.referrals.is_of(type, id):
            self._send_referral(*await self.services.fhir.referrals.read(self.actor, type, id))
            return None
        wanted = read_narrowing(checked_type(type), self.pairs())
        found = await self.services.fhir.finder.one(self.actor, type, id, self.asked)
        if isinstance(found, Resource):
            self.send_resource(replace(found, body=wanted.of(found.body)))
        else:
            self.send(wanted.of(found))
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Update a resource",
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def put(self, type: str, id: str) -> bytes | None:
        """With `If-Match` only over that version. Updating the Task of a referral moves the referral."""
        self.refuse_only_new()
        body = self.read_resource(checked_type(type))
        if self.services.fhir.referrals.is_of(type, id):
            referrals, version = self.services.fhir.referrals, self.if_match()
            self._send_referral(*await referrals.put(self.actor, type, id, body, version))
            return None
        await self.take_in(Wanted("PUT", type, body, id, if_version=self.if_match()))
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Change parts of a resource",
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def patch(self, type: str, id: str) -> bytes | None:
        """By JSON Patch (`application/json-patch+json`); with `If-Match` only over that version."""
        steps = self.read_patch()
        if self.services.fhir.referrals.is_of(type, id):
            told = "A referral is moved by updating its Task as a whole."
            raise refuse(Refused.PATCH_UNFIT, told)
        intake, version = self.services.fhir.intake, self.if_match()
        await self._tell(await intake.patch(self.actor, checked_type(type), id, steps, version, self.asked))
        return None

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Delete a resource",
        tag="fhir", rate_limit="hospital_write", errors=_ERRORS, media="application/fhir+json",
    )  # fmt: skip
    async def delete(self, type: str, id: str) -> None:
        """Its history stays."""
        version = await self.services.fhir.intake.delete(self.actor, checked_type(type), id, self.if_match())
        self.set_header("ETag", f'W/"{version}"')
        self.send(None, 204)

    def _send_referral(self, body: dict[str, Any], view: ReferralView) -> None:
        self.set_header("ETag", f'W/"{view.version}"')
        if self.has_it(view.version):
            self.send(None, 304)
            return
        self.send(body)


class HistoryHandler(FHIRHandler):
    """GET /fhir/R4/{type}/{id}/_history."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation(
        "All versions of a resource", tag="fhir", rate_limit="hospital_write", media="application/fhir+json"
    )
    async def get(self, type: str, id: str) -> bytes | None:
        """The newest first."""
        found = await self.services.fhir.finder.history(self.actor, checked_type(type), id, self.asked)
        self.send(history(self.base, found))
        return None


class VersionHandler(FHIRHandler):
    """GET /fhir/R4/{type}/{id}/_history/{version}."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation(
        "One version of a resource", tag="fhir", rate_limit="hospital_write", media="application/fhir+json"
    )
    async def get(self, type: str, id: str, version: str) -> bytes | None:
        """410 where that version was the deletion."""
        self.send_resource(
            await self.services.fhir.finder.version(self.actor, checked_type(type), id, version, self.asked)
        )
        return None


class EverythingHandler(Reading):
    """GET /fhir/R4/Patient/{id}/$everything."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation("All of a patient", tag="fhir", rate_limit="hospital_write", media="application/fhir+json")
    async def get(self, id: str) -> bytes | None:
        """Of a chart, or of a person over all hospitals; a page at a time."""
        self.send(await self.everything(id, self.pairs()))
        return None


def _everything(pairs: list[tuple[str, str]]) -> tuple[RecordQuery, tuple[tuple[str, str], ...]]:
    """What `$everything` may be told."""
    given: dict[str, Any] = {"sort": "-at", "limit": 100}
    for name, value in pairs:
        asked = date_asked(value) if name in ("_since", "start", "end") else None
        match name:
            case "_type":
                given["types"] = tuple(checked_type(each) for each in value.split(","))
            case "_count" if value.isdecimal() and int(value[:6]) > 0:
                given["limit"] = min(int(value[:6]), MOST)
            case "_cursor":
                given["cursor"] = value
            case "_since" if asked is not None:
                given["last_updated_since"] = asked.span.since
            case "start" if asked is not None:
                given["since"] = asked.span.since
            case "end" if asked is not None:
                given["until"] = asked.span.until
            case "_format" | "_pretty":
                continue
            case _:
                told = "$everything takes _type, _since, start, end and _count."
                raise refuse(Refused.PARAMETER_VALUE, told)
    return RecordQuery(**given), tuple(pair for pair in pairs if pair[0] != "_cursor")


class UnknownHandler(FHIRHandler):
    """Anything else below /fhir/R4."""

    def prepare(self) -> None:
        """Refuse whatever the method, in FHIR's form."""
        super().prepare()
        raise AppError(ErrorCode.NOT_FOUND)


_ID = r"(?P<id>[A-Za-z0-9\-.]{1,64})"
_TYPE = r"(?P<type>[A-Z][A-Za-z]{1,40})"
routes = [
    (r"/fhir/R4", SystemHandler),
    (r"/fhir/R4/metadata", CapabilityHandler),
    (rf"/fhir/R4/Patient/{_ID}/\$everything", EverythingHandler),
    (rf"/fhir/R4/{_TYPE}", TypeHandler),
    (rf"/fhir/R4/{_TYPE}/_search", SearchHandler),
    (rf"/fhir/R4/{_TYPE}/{_ID}", InstanceHandler),
    (rf"/fhir/R4/{_TYPE}/{_ID}/_history", HistoryHandler),
    (rf"/fhir/R4/{_TYPE}/{_ID}/_history/(?P<version>[0-9]{{1,9}})", VersionHandler),
]
# Not in the route table: it offers no method of its own.
unknown = [(r"/fhir/.*", UnknownHandler)]
