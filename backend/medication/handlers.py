"""Rational medication over HTTP, for doctors' workstations."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.medication.schemas import (
    AnswersIn,
    AnswersOut,
    MedicationCheckIn,
    MedicationCheckOut,
    answers_out,
    check_out,
    said_of,
    wanted_of,
)
from backend.permissions import Permission

_TAG = "hospital"


class MedicationCheckHandler(APIHandler):
    """Before a prescription is signed."""

    @requires(Permission.HOSPITAL_MEDICATION_CHECK)
    @operation(
        "Ask what speaks against medicines",
        errors=(ErrorCode.NOT_FOUND,),
        tag=_TAG,
        rate_limit="hospital_write",
    )
    async def post(self, body: MedicationCheckIn) -> MedicationCheckOut:
        """Duplicates over all hospitals, interactions, allergies. No alert does not mean no risk: the rules
        are a start, and what is in `not_understood` has not been looked at.
        """
        checked = await self.services.medication.service.check(self.actor, wanted_of(body))
        ids = {alert.organization_id for alert in checked.check.alerts} - {""}
        places = await self.services.directory.organizations_by_id(ids)
        return check_out(checked, {place.id: place.name for place in places.values()})


class MedicationDecisionsHandler(APIHandler):
    """After the alerts were shown."""

    @requires(Permission.HOSPITAL_MEDICATION_CHECK)
    @operation(
        "Say what became of the alerts",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.DECISION_CLOSED, ErrorCode.CONFLICT),
        tag=_TAG,
        rate_limit="hospital_write",
    )
    async def post(self, body: AnswersIn) -> AnswersOut:
        """Safe to repeat. Another answer replaces the first for 15 minutes; what was said before is kept."""
        service = self.services.medication.service
        return answers_out(await service.answer(self.actor, body.check_id, body.practitioner, said_of(body)))


routes = [
    (r"/hospital/v1/medication/check", MedicationCheckHandler),
    (r"/hospital/v1/medication/decisions", MedicationDecisionsHandler),
]
