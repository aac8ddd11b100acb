"""Recognition over HTTP, for doctors' workstations."""

from __future__ import annotations

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.permissions import Permission
from backend.recognition.schemas import (
    CheckIn,
    CheckOut,
    DecisionsIn,
    DecisionsOut,
    check_out,
    decisions_out,
    said_of,
    wanted_of,
)

_TAG = "hospital"


class CheckHandler(APIHandler):
    """Before an examination is ordered."""

    @requires(Permission.HOSPITAL_RECOGNITION_CHECK)
    @operation(
        "Ask what may be recognised instead of ordering",
        errors=(ErrorCode.NOT_FOUND,),
        tag=_TAG,
        rate_limit="hospital_write",
    )
    async def post(self, body: CheckIn) -> CheckOut:
        """Results of any hospital for the items about to be ordered, each with the advice and its reasons.

        Every check is one reading of the record: it needs a basis, is on record, and the resident sees it.
        """
        recognition = self.services.recognition
        checked = await recognition.service.check(self.actor, wanted_of(body))
        lists = await recognition.service.lists_in_force()
        ids = {shown.found.result.organization_id for each in checked.looked for shown in each.shown}
        places = await self.services.directory.organizations_by_id(ids)
        names = {place.id: place.name for place in places.values()}
        reasons = {reason.code: reason.text for reason in lists.reasons.values()}
        return check_out(checked, reasons, names)


class DecisionsHandler(APIHandler):
    """After it was shown."""

    @requires(Permission.HOSPITAL_RECOGNITION_CHECK)
    @operation(
        "Say what was recognised, and why not",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.DECISION_CLOSED, ErrorCode.CONFLICT),
        tag=_TAG,
        rate_limit="hospital_write",
    )
    async def post(self, body: DecisionsIn) -> DecisionsOut:
        """Safe to repeat. Another answer replaces the first for 15 minutes; what was said before is kept."""
        deciding = self.services.recognition.deciding
        check = await deciding.decide(self.actor, body.check_id, body.practitioner, said_of(body))
        return decisions_out(check)


routes = [
    (r"/hospital/v1/recognition/check", CheckHandler),
    (r"/hospital/v1/recognition/decisions", DecisionsHandler),
]
