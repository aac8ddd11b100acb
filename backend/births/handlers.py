"""Births over HTTP: parents file, hospitals give notice, agencies call back."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tornado.httputil import HTTPServerRequest

from backend.births.handover_schemas import MissedIn
from backend.births.models import FilingView
from backend.births.notice_schemas import BirthNotice, NotedOut, VoidIn, facts_of, noted_out, parent_of
from backend.births.page_schemas import PageOut, page_out
from backend.births.schemas import (
    AnswersIn,
    BirthOut,
    CallbackOut,
    FileIn,
    FileOut,
    FilingOut,
    OpenIn,
    PrecheckOut,
    WithdrawIn,
    answers_of,
    birth_out,
    file_out,
    filing_out,
    precheck_out,
)
from backend.directory.service import organization_of
from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Items
from backend.permissions import Permission

_FILING_ERRORS = (ErrorCode.NOT_FOUND, ErrorCode.CONFLICT, ErrorCode.UNAVAILABLE)
_TAG, _HOSPITAL_TAG = "births", "hospital"


class _ParentsHandler(APIHandler):
    async def shown(self, view: FilingView) -> FilingOut:
        """A filing with the hospital's name."""
        return filing_out(view, await self.hospital(view.birth.organization_id), self.services.births.rules)

    async def hospital(self, organization_id: str) -> str:
        """Where the child was born."""
        found = await self.services.directory.find_organization(organization_id)
        return found.name if found else ""


class BirthListHandler(_ParentsHandler):
    """The resident's children as hospitals noted them."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("List births that can be filed", tag=_TAG)
    async def get(self) -> Items[BirthOut]:
        """Births where the resident is the mother, or the father as the hospital has him; newest first."""
        found = await self.services.births.births_of(self.actor)
        return Items(items=[birth_out(birth, await self.hospital(birth.organization_id)) for birth in found])


class PageHandler(APIHandler):
    """What the pages say that differs between cities."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Read the city's words and limits of filing", tag=_TAG)
    async def get(self) -> PageOut:
        """Words by name, lengths, and the steps that ask for a bank account."""
        return page_out(self.services.births.rules)


class PrecheckHandler(_ParentsHandler):
    """Before anything is handed in."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Check what is in the way of filing", errors=(ErrorCode.NOT_FOUND,), tag=_TAG, rate_limit="births"
    )
    async def post(self, body: AnswersIn, birth_id: str) -> PrecheckOut:
        """Plain reasons, and what to do about each; nothing is kept."""
        births = self.services.births
        return precheck_out(await births.precheck(self.actor, birth_id, answers_of(body)), births.rules)


class FilingListHandler(_ParentsHandler):
    """The resident's filings."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("List one's filings", tag=_TAG)
    async def get(self) -> Items[FilingOut]:
        """Newest first."""
        return Items(items=[await self.shown(view) for view in await self.services.births.list(self.actor)])

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Open a filing",
        status=201,
        errors=(ErrorCode.NOT_FOUND, ErrorCode.BIRTH_NOT_FILEABLE, ErrorCode.UNAVAILABLE),
        tag=_TAG,
        rate_limit="births",
    )
    async def post(self, body: OpenIn) -> FilingOut:
        """A draft; or the filing of this birth that there is, for it has one at a time."""
        return await self.shown(await self.services.births.open(self.actor, body.birth_id))


class FilingHandler(_ParentsHandler):
    """One filing."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Read a filing", errors=(ErrorCode.NOT_FOUND,), tag=_TAG)
    async def get(self, filing_id: str) -> FilingOut:
        """Each step with its agency, its state and its date, and who has to move next."""
        return await self.shown(await self.services.births.get(self.actor, filing_id))

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Change a draft", errors=_FILING_ERRORS, tag=_TAG, rate_limit="births")
    async def put(self, body: AnswersIn, filing_id: str) -> FilingOut:
        """All answers anew; nothing is checked before it is handed in."""
        return await self.shown(await self.services.births.amend(self.actor, filing_id, answers_of(body)))


class SubmitHandler(_ParentsHandler):
    """Handing in."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Hand a filing in",
        errors=(*_FILING_ERRORS, ErrorCode.BIRTH_NOT_FILEABLE),
        tag=_TAG,
        rate_limit="births",
    )
    async def post(self, filing_id: str) -> FilingOut:
        """Checked once more, then the agencies are asked. A second time changes nothing."""
        return await self.shown(await self.services.births.submit(self.actor, filing_id))


class CorrectHandler(_ParentsHandler):
    """Putting right."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Correct a step",
        errors=(*_FILING_ERRORS, ErrorCode.BIRTH_NOT_FILEABLE, ErrorCode.BAD_REQUEST),
        tag=_TAG,
        rate_limit="births",
    )
    async def post(self, body: AnswersIn, filing_id: str, step: str) -> FilingOut:
        """All answers anew, of which only those of this step (`corrects`, and delivery) may differ."""
        births = self.services.births
        return await self.shown(await births.correct(self.actor, filing_id, step, answers_of(body)))


class WithdrawHandler(_ParentsHandler):
    """Taking back."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Withdraw a filing", errors=_FILING_ERRORS, tag=_TAG, rate_limit="births")
    async def post(self, body: WithdrawIn, filing_id: str) -> FilingOut:
        """What is done stays done; agencies that are at work are told to stop."""
        return await self.shown(await self.services.births.withdraw(self.actor, filing_id, body.reason))


class ReceivedHandler(_ParentsHandler):
    """What was handed over has come."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Say that a paper or card has come", errors=_FILING_ERRORS, tag=_TAG, rate_limit="births")
    async def post(self, filing_id: str, step: str) -> FilingOut:
        """A second time changes nothing."""
        return await self.shown(await self.services.births.receiving.receive(self.actor, filing_id, step))


class MissedHandler(_ParentsHandler):
    """What was handed over has not come."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Say that a paper or card has not come", errors=_FILING_ERRORS, tag=_TAG, rate_limit="births")
    async def post(self, body: MissedIn, filing_id: str, step: str) -> FilingOut:
        """Staff look for it; the agency is not asked for another one. A second time changes nothing."""
        receiving = self.services.births.receiving
        return await self.shown(await receiving.miss(self.actor, filing_id, step, body.text))


class PaperHandler(APIHandler):
    """What has come of a step, on paper."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Fetch a step's result as a PDF",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.UNAVAILABLE),
        tag=_TAG,
        media="application/pdf",
        rate_limit="births",
    )
    async def get(self, filing_id: str, step: str) -> bytes | None:
        """Of a step that is done; marked as a printout of ours, with number, date and agency."""
        content = await self.services.births.print(self.actor, filing_id, step)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", 'attachment; filename="birth.pdf"')
        self.set_header("Cache-Control", "no-store")
        self.finish(content)
        return None


class FileListHandler(APIHandler):
    """Uploaded materials."""

    @classmethod
    def larger_body(cls, request: HTTPServerRequest, city: Any) -> int:
        """A photograph in base64."""
        return int(city.services.births.rules.files.most_bytes) * 4 // 3 + 10_000

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Upload a material",
        status=201,
        errors=(*_FILING_ERRORS, ErrorCode.MATERIAL_UNFIT, ErrorCode.BODY_TOO_LARGE),
        tag=_TAG,
        rate_limit="births",
    )
    async def post(self, body: FileIn, filing_id: str) -> FileOut:
        """A JPEG, PNG or PDF of a kind that may be uploaded; kept sealed, gone after the filing is over.

        One at a time; with a `key`, sending it again is safe.
        """
        try:
            content = base64.b64decode(body.content, validate=True)
        except (binascii.Error, ValueError):
            raise AppError(ErrorCode.MATERIAL_UNFIT, "no base64") from None
        files = self.services.births.files
        return file_out(
            await files.add(self.actor, filing_id, body.kind, body.content_type, content, body.key)
        )


class FileHandler(APIHandler):
    """One uploaded material."""

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation(
        "Fetch an uploaded material",
        errors=(ErrorCode.NOT_FOUND,),
        tag=_TAG,
        media="application/octet-stream",
    )
    async def get(self, filing_id: str, file_id: str) -> bytes | None:
        """The bytes as they were uploaded."""
        file, content = await self.services.births.files.read(self.actor, filing_id, file_id)
        self.set_header("Content-Type", file.content_type)
        self.set_header("Content-Disposition", "attachment")
        self.set_header("Cache-Control", "no-store")
        self.finish(content)
        return None

    @requires(Permission.RESIDENT_BIRTHS_FILE)
    @operation("Take an uploaded material back", status=204, errors=_FILING_ERRORS, tag=_TAG)
    async def delete(self, filing_id: str, file_id: str) -> None:
        """Before it is handed in, or while it is being corrected."""
        await self.services.births.files.remove(self.actor, filing_id, file_id)


class NoticeHandler(APIHandler):
    """A birth in a hospital."""

    @requires(Permission.HOSPITAL_BIRTHS_WRITE)
    @operation(
        "Note a birth",
        errors=(
            ErrorCode.CONFLICT,
            ErrorCode.NAME_INVALID,
            ErrorCode.ID_NUMBER_INVALID,
            ErrorCode.REAL_NAME_MISMATCH,
        ),
        tag=_HOSPITAL_TAG,
        rate_limit="hospital_write",
    )
    async def put(self, body: BirthNotice, external_id: str) -> NotedOut:
        """The same again changes nothing; a correction is taken until the parents have handed it in.

        A birth too near another one of the same mother is `doubtful` until the city's staff have said.
        """
        father = parent_of(body.father) if body.father else None
        noting, organization_id = self.services.births.noting, organization_of(self.actor)
        return noted_out(
            await noting.note(
                self.actor, organization_id, external_id, facts_of(body), parent_of(body.mother), father
            )
        )

    @requires(Permission.HOSPITAL_BIRTHS_WRITE)
    @operation("Read a noted birth", errors=(ErrorCode.NOT_FOUND,), tag=_HOSPITAL_TAG)
    async def get(self, external_id: str) -> NotedOut:
        """The hospital's own only."""
        noting = self.services.births.noting
        return noted_out(await noting.read(self.actor, organization_of(self.actor), external_id))


class VoidHandler(APIHandler):
    """A notice taken back."""

    @requires(Permission.HOSPITAL_BIRTHS_WRITE)
    @operation(
        "Take a noted birth back",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.CONFLICT),
        tag=_HOSPITAL_TAG,
        rate_limit="hospital_write",
    )
    async def post(self, body: VoidIn, external_id: str) -> NotedOut:
        """Until the parents have handed it in."""
        noting = self.services.births.noting
        return noted_out(await noting.void(self.actor, organization_of(self.actor), external_id, body.reason))


class AgencyCallbackHandler(APIHandler):
    """What agencies say by themselves."""

    @public("Agencies sign each callback; signature, time and nonce are checked before anything is read.")
    @operation(
        "Receive an agency's word",
        errors=(ErrorCode.NOTICE_INVALID, ErrorCode.NOT_FOUND, ErrorCode.UNAVAILABLE),
        tag="callbacks",
    )
    async def post(self, agency: str) -> CallbackOut:
        """A word may come twice, late, or out of order; it is taken once."""
        await self.services.births.asking.on_callback(agency, self.request.headers, self.request.body)
        return CallbackOut()


_FILING = r"/api/v1/birth-filings/(?P<filing_id>[0-9A-Z]{26})"
_EXTERNAL = r"/hospital/v1/births/(?P<external_id>[^/]{1,100})"
routes = [
    (r"/api/v1/births", BirthListHandler),
    (r"/api/v1/births/page", PageHandler),
    (r"/api/v1/births/(?P<birth_id>[0-9A-Z]{26})/precheck", PrecheckHandler),
    (r"/api/v1/birth-filings", FilingListHandler),
    (_FILING, FilingHandler),
    (rf"{_FILING}/submit", SubmitHandler),
    (rf"{_FILING}/steps/(?P<step>[a-z_]{{2,30}})/correct", CorrectHandler),
    (rf"{_FILING}/steps/(?P<step>[a-z_]{{2,30}})/paper", PaperHandler),
    (rf"{_FILING}/steps/(?P<step>[a-z_]{{2,30}})/received", ReceivedHandler),
    (rf"{_FILING}/steps/(?P<step>[a-z_]{{2,30}})/missing", MissedHandler),
    (rf"{_FILING}/withdraw", WithdrawHandler),
    (rf"{_FILING}/files", FileListHandler),
    (rf"{_FILING}/files/(?P<file_id>[0-9A-Z]{{26}})", FileHandler),
    (_EXTERNAL, NoticeHandler),
    (rf"{_EXTERNAL}/void", VoidHandler),
    (r"/callbacks/agencies/(?P<agency>[a-z]{2,20})", AgencyCallbackHandler),
]
