"""The health code over HTTP: what residents show, and what terminals ask."""

from __future__ import annotations

from backend import clock
from backend.errors import ErrorCode
from backend.healthcodes import schemas
from backend.healthcodes.schemas import (
    CodeUseOut,
    DynamicCodeOut,
    ForPatient,
    KeyListOut,
    PhoneDeviceOut,
    StaticCodeOut,
    UploadedUseOut,
    UploadUses,
    VerifiedCodeOut,
    VerifyCode,
)
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Items, Page, PageQuery
from backend.permissions import Permission

_TAG = "health codes"
_HOSPITAL_TAG = "hospital"
_PATIENT_ERRORS = (ErrorCode.NOT_FOUND, ErrorCode.REAL_NAME_REQUIRED, ErrorCode.PATIENT_PENDING)
_CODE_ERRORS = (
    ErrorCode.CODE_UNREADABLE,
    ErrorCode.CODE_EXPIRED,
    ErrorCode.CODE_FORGED,
    ErrorCode.CODE_WRONG_CITY,
    ErrorCode.CODE_REVOKED,
    ErrorCode.CODE_REPLAYED,
    ErrorCode.CODE_NOT_ALLOWED_FOR_STEP,
    ErrorCode.CODE_SECOND_FACTOR,
)


class DynamicCodeHandler(APIHandler):
    """The code on the screen."""

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("Make a dynamic health code", errors=_PATIENT_ERRORS, tag=_TAG, rate_limit="code")
    async def post(self, body: ForPatient) -> DynamicCodeOut:
        """Good for 60 seconds and for one use; ask again after 45."""
        return schemas.dynamic_code_out(
            await self.services.healthcodes.make_dynamic(self.actor, body.patient_id)
        )


class PhoneDeviceHandler(APIHandler):
    """Codes without network."""

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("Let this phone make codes offline", errors=_PATIENT_ERRORS, tag=_TAG, rate_limit="code")
    async def post(self, body: ForPatient) -> PhoneDeviceOut:
        """Ask once a day: the pseudo-id changes daily, and signing out ends it."""
        return schemas.phone_device_out(
            await self.services.healthcodes.get_phone_device(self.actor, body.patient_id)
        )

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("Take the offline code off all phones", status=204, errors=_PATIENT_ERRORS, tag=_TAG)
    async def delete(self, query: schemas.ForPatientQuery) -> None:
        """For a lost phone."""
        await self.services.healthcodes.revoke_phone_devices(self.actor, query.patient_id)


class StaticCodeListHandler(APIHandler):
    """Printed codes."""

    @requires(Permission.RESIDENT_CODES_USE)
    @operation(
        "Make a code to be printed",
        status=201,
        errors=(*_PATIENT_ERRORS, ErrorCode.CONFLICT),
        tag=_TAG,
        rate_limit="code",
    )
    async def post(self, body: ForPatient) -> StaticCodeOut:
        """For children and the elderly: low-risk steps only, together with something from their papers."""
        code = await self.services.healthcodes.make_static(self.actor, body.patient_id, self.idempotency_key)
        return schemas.static_code_out(code)

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("List the printed codes in force", tag=_TAG)
    async def get(self) -> Items[StaticCodeOut]:
        """Of the resident and of everybody he acts for."""
        codes = await self.services.healthcodes.list_static(self.actor)
        return Items(items=[schemas.static_code_out(code) for code in codes])


class StaticCodeHandler(APIHandler):
    """One printed code."""

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("Put a printed code out of force", status=204, errors=(ErrorCode.NOT_FOUND,), tag=_TAG)
    async def delete(self, code_id: str) -> None:
        """At once and for good."""
        await self.services.healthcodes.revoke_static(self.actor, code_id)


class CodeUseListHandler(APIHandler):
    """The log of uses."""

    @requires(Permission.RESIDENT_CODES_USE)
    @operation("List where the codes were used", tag=_TAG)
    async def get(self, query: PageQuery) -> Page[CodeUseOut]:
        """Every use of the codes of everybody the resident acts for, newest first."""
        seen, more = await self.services.healthcodes.list_uses(self.actor, query.limit, query.cursor)
        return Page(items=[schemas.code_use_out(use) for use in seen], next_cursor=more)


class VerifyHandler(APIHandler):
    """A terminal scans a code."""

    @requires(Permission.HOSPITAL_CODES_VERIFY)
    @operation("Verify a health code", errors=_CODE_ERRORS, tag=_HOSPITAL_TAG, rate_limit="verify")
    async def post(self, body: VerifyCode) -> VerifiedCodeOut:
        """Uses the code up for this step at this terminal; the answer holds what the step needs to know."""
        verified = await self.services.healthcodes.verification.verify(
            self.actor, body.code, body.step, schemas.second_factor(body.second_factor)
        )
        self.services.nudger.kick()
        return schemas.verified_code_out(verified, clock.now(), body.at)


class KeyListHandler(APIHandler):
    """Keys for offline verification."""

    @requires(Permission.HOSPITAL_CODES_VERIFY)
    @operation("Download the signed list of code keys", tag=_HOSPITAL_TAG)
    async def get(self) -> KeyListOut:
        """Once a day; verify it with a key of the list before."""
        return KeyListOut.model_validate(self.services.healthcodes.key_list())


class OfflineUseListHandler(APIHandler):
    """Uses made offline."""

    @requires(Permission.HOSPITAL_CODES_VERIFY)
    @operation("Upload uses accepted offline", tag=_HOSPITAL_TAG, rate_limit="verify")
    async def post(self, body: UploadUses) -> Items[UploadedUseOut]:
        """Each is answered by itself, in order; uploading twice is harmless."""
        uploaded = await self.services.healthcodes.uploads.upload(
            self.actor, [schemas.offline_upload(use) for use in body.uses]
        )
        self.services.nudger.kick()
        return Items(items=[schemas.uploaded_use_out(use) for use in uploaded])


routes = [
    (r"/api/v1/health-codes/dynamic", DynamicCodeHandler),
    (r"/api/v1/health-codes/offline-device", PhoneDeviceHandler),
    (r"/api/v1/health-codes/static", StaticCodeListHandler),
    (r"/api/v1/health-codes/static/(?P<code_id>[^/]+)", StaticCodeHandler),
    (r"/api/v1/health-codes/uses", CodeUseListHandler),
    (r"/hospital/v1/health-codes/verify", VerifyHandler),
    (r"/hospital/v1/health-codes/keys", KeyListHandler),
    (r"/hospital/v1/health-codes/offline-uses", OfflineUseListHandler),
]
