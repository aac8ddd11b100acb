"""Hospitals publish, read and stop their schedules."""

from __future__ import annotations

from backend.directory import identity
from backend.directory.handlers import checked_external_id
from backend.directory.service import organization_of
from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.permissions import Permission
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_schemas import (
    HospitalScheduleOut,
    PublishSchedule,
    StopSchedule,
    hospital_schedule_out,
    utc_milliseconds,
)

_TAG = "hospital"


class HospitalScheduleHandler(APIHandler):
    """A schedule under the hospital's own id."""

    @requires(Permission.HOSPITAL_SCHEDULES_WRITE)
    @operation(
        "Publish a schedule",
        errors=(ErrorCode.SCHEDULE_INVALID, ErrorCode.SCHEDULE_HAS_BOOKINGS, ErrorCode.SCHEDULE_STOPPED),
        tag=_TAG,
        rate_limit="hospital_write",
    )
    async def put(self, body: PublishSchedule, external_id: str) -> HospitalScheduleOut:
        """Creates or updates; the same body twice changes nothing. A sold number stays as it is."""
        schedule = _schedule(organization_of(self.actor), checked_external_id(external_id), body)
        return await answered(self, await self.services.schedules.publish(self.actor, schedule))

    @requires(Permission.HOSPITAL_SCHEDULES_WRITE)
    @operation("Read a schedule", errors=(ErrorCode.SCHEDULE_NOT_FOUND,), tag=_TAG)
    async def get(self, external_id: str) -> HospitalScheduleOut:
        """With the numbers that are sold."""
        return await answered(self, await self.services.schedules.access(self.actor, external_id))


class HospitalScheduleStopHandler(APIHandler):
    """停诊."""

    @requires(Permission.HOSPITAL_SCHEDULES_WRITE)
    @operation("Stop a clinic", errors=(ErrorCode.SCHEDULE_NOT_FOUND,), tag=_TAG, rate_limit="hospital_write")
    async def post(self, body: StopSchedule, external_id: str) -> HospitalScheduleOut:
        """Nothing more is sold, everybody who had booked is told and refunded. Stopping twice is harmless."""
        stopped = await self.services.schedules.stop(self.actor, external_id, body.reason)
        self.services.nudger.kick()
        return await answered(self, stopped)


async def answered(handler: APIHandler, schedule: Schedule) -> HospitalScheduleOut:
    """The schedule with the hospital's own ids and what is sold."""
    directory = handler.services.directory
    department = await directory.get_department(schedule.department_id)
    practitioner = (
        await directory.get_practitioner(schedule.practitioner_id) if schedule.practitioner_id else None
    )
    return hospital_schedule_out(
        schedule,
        department=department.external.value,
        practitioner=practitioner.external.value if practitioner else None,
        sold=await handler.services.schedules.sold_numbers(schedule),
    )


def _schedule(organization_id: str, external_id: str, body: PublishSchedule) -> Schedule:
    practitioner_id = None
    if body.practitioner is not None:
        named = identity.of_hospital(body.practitioner)
        practitioner_id = identity.practitioner_id(organization_id, named)
    return Schedule(
        id=schedule_id(organization_id, identity.of_hospital(external_id)),
        organization_id=organization_id,
        department_id=identity.department_id(organization_id, identity.of_hospital(body.department)),
        practitioner_id=practitioner_id,
        external_id=external_id,
        on=body.on,
        period=body.period,
        kind=body.kind,
        fee_fen=body.fee_fen,
        slots=tuple(
            SlotTime(slot.number, utc_milliseconds(slot.start_at), utc_milliseconds(slot.end_at))
            for slot in body.slots
        ),
        reserved={str(channel): count for channel, count in body.reserved.items() if count},
    )


routes = [
    (r"/hospital/v1/schedules/(?P<external_id>[^/]+)", HospitalScheduleHandler),
    (r"/hospital/v1/schedules/(?P<external_id>[^/]+)/stop", HospitalScheduleStopHandler),
]
