"""One's own account, the patients one acts for, and those who act for oneself."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Items
from backend.permissions import Permission
from backend.residents import schemas
from backend.residents.login_handlers import SMS_ERRORS, LoginHandler
from backend.residents.models import Relation

_IDENTITY = (
    ErrorCode.NAME_INVALID,
    ErrorCode.ID_NUMBER_INVALID,
    ErrorCode.REAL_NAME_MISMATCH,
    ErrorCode.REGISTER_UNAVAILABLE,
)


class MeHandler(APIHandler):
    """One's own account."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Read one's own account", tag="me")
    async def get(self) -> schemas.Me:
        """Masked, even to its owner: screens are looked at by others."""
        return schemas.me_out(await self.services.residents.access_account(self.actor))

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Delete one's own account", errors=(ErrorCode.ACCOUNT_HAS_APPOINTMENTS,), tag="me")
    async def delete(self) -> None:
        """Erases personal data, ends links and sessions. Refused while appointments are to come."""
        await self.services.residents.delete_account(self.actor)


class RealNameHandler(APIHandler):
    """The real-name check."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation(
        "Verify one's real name",
        errors=(*_IDENTITY, ErrorCode.REAL_NAME_TAKEN, ErrorCode.REAL_NAME_DONE),
        tag="me",
    )
    async def post(self, body: schemas.VerifyRealName) -> schemas.RealNameDone:
        """Form, then the city's population register. Use the answer's access token from then on."""
        resident, token = await self.services.residents.verify_real_name(
            self.actor, body.name, body.id_number
        )
        return schemas.real_name_out(resident, token)


class SettingsHandler(APIHandler):
    """Display settings."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Change display settings", tag="me")
    async def put(self, body: schemas.ChangeSettings) -> schemas.Me:
        """Kept with the account, so that they follow the person."""
        changed = await self.services.residents.change_settings(self.actor, large_type=body.large_type)
        return schemas.me_out(changed)


class PhoneHandler(LoginHandler):
    """The account's phone."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation(
        "Move the account to another phone",
        errors=(*SMS_ERRORS, ErrorCode.PHONE_TAKEN, ErrorCode.REAL_NAME_MISMATCH),
        tag="me",
    )
    async def put(self, body: schemas.ChangePhone) -> schemas.TokenPair:
        """Ends every session and opens a new one for this device."""
        signed_in = await self.services.residents.login.change_phone(
            self.actor, body.phone, body.code, body.id_number, self.caller()
        )
        return schemas.token_pair_out(signed_in)


class PatientListHandler(APIHandler):
    """Whom the resident acts for."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("List the patients one acts for", tag="patients")
    async def get(self) -> Items[schemas.PatientOut]:
        """The resident himself first, once verified."""
        views = await self.services.residents.patients.list_patients(self.actor)
        return Items(items=[schemas.patient_out(view) for view in views])

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Act for a patient",
        status=201,
        errors=(
            *_IDENTITY,
            ErrorCode.PHONE_INVALID,
            ErrorCode.REAL_NAME_REQUIRED,
            ErrorCode.PATIENT_EXISTS,
            ErrorCode.PATIENT_LIMIT,
            ErrorCode.RELATION_NOT_CONFIRMED,
        ),
        tag="patients",
    )
    async def post(self, body: schemas.AddPatient) -> schemas.PatientOut:
        """Active at once for a young child, pending until they accept for everybody else."""
        view = await self.services.residents.patients.add(
            self.actor, Relation(body.relation), body.name, body.id_number, body.phone
        )
        return schemas.patient_out(view)


class PatientHandler(APIHandler):
    """One patient the resident acts for."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Stop acting for a patient", tag="patients")
    async def delete(self, patient_id: str) -> None:
        """Effective at once."""
        await self.services.residents.patients.remove(self.actor, patient_id)


class ConsentCodeHandler(APIHandler):
    """Asking an adult who does not use the app."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Ask an adult for consent by SMS",
        status=202,
        errors=(
            ErrorCode.NOT_FOUND,
            ErrorCode.PATIENT_EXISTS,
            ErrorCode.PHONE_INVALID,
            ErrorCode.REAL_NAME_MISMATCH,
            ErrorCode.RELATION_NOT_CONFIRMED,
            ErrorCode.REGISTER_UNAVAILABLE,
        ),
        tag="patients",
    )
    async def post(self, body: schemas.AskConsent, patient_id: str) -> schemas.CodeSent:
        """The code goes to the phone only if the population register knows it as this adult's."""
        after_s = await self.services.residents.consents.ask(
            self.actor, patient_id, body.phone, self.client_ip
        )
        return schemas.CodeSent(resend_after_s=after_s)


class ConsentHandler(APIHandler):
    """The adult's answer."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Act for an adult who has given consent by SMS",
        errors=(*SMS_ERRORS, ErrorCode.NOT_FOUND, ErrorCode.PATIENT_EXISTS, ErrorCode.RELATION_NOT_CONFIRMED),
        tag="patients",
    )
    async def post(self, body: schemas.GiveConsent, patient_id: str) -> schemas.PatientOut:
        """Active from now on, until either ends it. The adult is told by SMS how."""
        view = await self.services.residents.consents.give(self.actor, patient_id, body.phone, body.code)
        return schemas.patient_out(view)


class GuardianListHandler(APIHandler):
    """Who acts for the resident."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("List those who act, or ask to act, for oneself", tag="guardians")
    async def get(self) -> Items[schemas.GuardianOut]:
        """Newest first."""
        views = await self.services.residents.patients.list_guardians(self.actor)
        return Items(items=[schemas.guardian_out(view) for view in views])


class GuardianHandler(APIHandler):
    """One who acts, or asks to act, for the resident."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Refuse or end a guardian link", tag="guardians")
    async def delete(self, link_id: str) -> None:
        """Effective at once."""
        await self.services.residents.patients.refuse(self.actor, link_id)


class GuardianAcceptHandler(APIHandler):
    """Consent to a guardian link."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Accept a guardian link", errors=(ErrorCode.REAL_NAME_REQUIRED,), tag="guardians")
    async def post(self, link_id: str) -> schemas.GuardianOut:
        """From now on the other one may act for the resident, until either ends it."""
        return schemas.guardian_out(await self.services.residents.patients.accept(self.actor, link_id))


routes = [
    (r"/api/v1/me", MeHandler),
    (r"/api/v1/me/real-name", RealNameHandler),
    (r"/api/v1/me/settings", SettingsHandler),
    (r"/api/v1/me/phone", PhoneHandler),
    (r"/api/v1/patients", PatientListHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)", PatientHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)/consent-codes", ConsentCodeHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)/consent", ConsentHandler),
    (r"/api/v1/guardians", GuardianListHandler),
    (r"/api/v1/guardians/(?P<link_id>[^/]+)", GuardianHandler),
    (r"/api/v1/guardians/(?P<link_id>[^/]+)/accept", GuardianAcceptHandler),
]
