"""Who read what, when and why: the audit chain's own entries, in words for the person they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend import clock
from backend.audit.models import AuditEntry, AuditFilter
from backend.audit.service import AuditService
from backend.directory.identity import of_hospital, practitioner_id
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import SYSTEM, Actor, Permission
from backend.records import law
from backend.records.break_glass import REASONS
from backend.records.care_store import CareStore
from backend.records.consent_store import ConsentStore
from backend.records.glass_store import GlassStore
from backend.records.ids import owner_of
from backend.records.models import BasisKind, Purpose
from backend.records.ports import Charts
from backend.records.reading import ACTION
from backend.records.sharing_ports import Directory, Residents
from backend.records.speaking import check_speaks_for
from backend.records.words import BASIS_NAMES, CARE_NAMES

By = Literal["self", "guardian", "hospital", "other"]
# What the log says as the ground when staff look at a hospital's message in clear.
_MESSAGE = f"{BasisKind.ORIGIN}:message"
# A list without one's own readings looks through so many entries at once, and so often at most.
_AT_ONCE, _MOST_LOOKS = 100, 5


@dataclass(frozen=True, slots=True)
class Access:
    """One reading of somebody's record."""

    id: str
    person_id: str
    at: datetime
    by: By
    actor_id: str
    organization_id: str | None
    organization: str
    practitioner_id: str
    practitioner: str
    purpose: str
    basis: str
    reference: str
    why: str
    way: str
    kinds: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose readings are told, and the charts by which hospitals know the person."""

    person_id: str
    charts: frozenset[str]

    @property
    def object(self) -> str:
        """What the log calls the person."""
        return f"person/{self.person_id}"

    def has(self, entry: AuditEntry) -> bool:
        """Whether an entry is about the person, alone or among others."""
        return entry.object == self.object or not self.charts.isdisjoint(entry.data.get("charts") or ())

    def id_of(self, entry: AuditEntry) -> str:
        """What the person calls a reading: of one of several people, each has a name of his own for it."""
        return entry.id if entry.object == self.object else f"{entry.id}.{self.person_id}"

    def count(self, entry: AuditEntry) -> int:
        """How much of what was read is the person's."""
        return sum(owner_of(str(id)) in self.charts for id in entry.data.get("resources") or ())


class Accesses:
    """Reads the chain for the person, for whoever acts for him, and for those who watch over readings."""

    def __init__(
        self,
        audit: AuditService,
        residents: Residents,
        directory: Directory,
        consents: ConsentStore,
        care: CareStore,
        glasses: GlassStore,
        charts: Charts,
    ) -> None:
        self._audit = audit
        self._residents = residents
        self._directory = directory
        self._consents = consents
        self._care = care
        self._glasses = glasses
        self._charts = charts

    async def list_of(
        self, actor: Actor, patient_id: str, *, own: bool, cursor: str | None, limit: int
    ) -> tuple[list[Access], str | None]:
        """Readings of the patient's record, newest first; without `own` those of other people only."""
        check_speaks_for(await self._residents.access_patient(actor, patient_id))
        whose = await self._whose(patient_id)
        wanted = AuditFilter(action=ACTION, object=whose.object, charts=whose.charts)
        found: list[AuditEntry] = []
        for _ in range(_MOST_LOOKS):
            size = min(_AT_ONCE, limit - len(found)) if own else _AT_ONCE
            entries, cursor = await self._audit.list_entries(SYSTEM, wanted, cursor=cursor, limit=size)
            for number, entry in enumerate(entries):
                if own or entry.actor_id != patient_id:
                    found.append(entry)
                if len(found) == limit:
                    more = cursor is not None or number + 1 < len(entries)
                    return await self._told(found, whose), place_of(entry) if more else None
            if cursor is None:
                break
        return await self._told(found, whose), cursor

    async def access(self, actor: Actor, patient_id: str, access_id: str) -> Access:
        """One reading of the patient's record. Raises NOT_FOUND."""
        check_speaks_for(await self._residents.access_patient(actor, patient_id))
        return await self.one(patient_id, access_id)

    async def one(self, person_id: str, access_id: str) -> Access:
        """One reading of somebody's record, for whoever has been let through already. Raises NOT_FOUND."""
        whose = await self._whose(person_id)
        entry = await self._audit.find_entry(access_id.partition(".")[0])
        if entry is None or entry.action != ACTION or not whose.has(entry):
            raise not_found("reading")
        if access_id != whose.id_of(entry):
            raise not_found("reading under this id")
        return (await self._told([entry], whose))[0]

    async def note_message(
        self, actor: Actor, organization_id: str, chart_id: str, resources: Sequence[str]
    ) -> None:
        """Somebody sees a hospital's message about one of its patients in clear; the patient sees that."""
        try:
            about = f"person/{await self._charts.person_of(chart_id)}"
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return
        data = {
            "way": "message",
            "basis": str(BasisKind.ORIGIN),
            "purpose": str(Purpose.OPERATIONS),
            "practitioner": "",
            "count": len(resources),
            "resources": list(resources),
            "types": [],
            "found": [],
        }
        await self._audit.record(actor, ACTION, about, _MESSAGE, organization_id, data)

    async def _whose(self, person_id: str) -> _Whose:
        charts = await self._charts.charts_of(person_id)
        return _Whose(person_id, frozenset(chart.id for chart in charts))

    async def supervise(
        self, actor: Actor, wanted: AuditFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[Access], str | None]:
        """Readings by institutions within the actor's scope, newest first. Looking is on record itself."""
        if not actor.may(Permission.STAFF_RECORD_ACCESS_READ):
            raise not_found("readings")
        await self._audit.record(actor, "records.supervise", "records/readings", "supervision")
        entries, more = await self._audit.list_entries(actor, wanted, cursor=cursor, limit=limit)
        return await self._told(entries), more

    # -- in words --------------------------------------------------------------------------------------

    async def _told(self, entries: Sequence[AuditEntry], whose: _Whose | None = None) -> list[Access]:
        places = await self._directory.organizations_by_id(
            {entry.organization_id for entry in entries if entry.organization_id}
        )
        doctors = await self._directory.practitioners_by_id({_doctor_id(entry) for entry in entries} - {""})
        whys = await self._whys(entries)
        told = []
        for entry in entries:
            place, doctor = places.get(entry.organization_id or ""), doctors.get(_doctor_id(entry))
            kind, reference = _basis_of(entry)
            said = str(entry.data.get("practitioner") or "")
            # A page of many people's resources: what kinds the others' were is not this person's to know.
            among = whose if whose is not None and entry.object != whose.object else None
            told.append(
                Access(
                    id=among.id_of(entry) if among else entry.id,
                    person_id=among.person_id if among else entry.object.removeprefix("person/"),
                    at=entry.at,
                    by=_by(entry),
                    actor_id=entry.actor_id,
                    organization_id=entry.organization_id,
                    organization=place.name if place else "",
                    practitioner_id=_doctor_id(entry) if doctor else "",
                    practitioner=f"{doctor.name} {doctor.title}".strip() if doctor else said,
                    purpose=str(entry.data.get("purpose") or ""),
                    basis=kind,
                    reference=reference,
                    why=whys.get(entry.basis) or BASIS_NAMES.get(kind, kind),
                    way=str(entry.data.get("way") or ""),
                    kinds=() if among else tuple(entry.data.get("found") or ()),
                    count=among.count(entry) if among else int(entry.data.get("count") or 0),
                )
            )
        return told

    async def _whys(self, entries: Sequence[AuditEntry]) -> dict[str, str]:
        """The grounds in plain words, by the form in which they stand in the log."""
        by_kind: dict[str, set[str]] = {}
        for entry in entries:
            kind, reference = _basis_of(entry)
            by_kind.setdefault(kind, set()).add(reference)
        whys = {_MESSAGE: "工作人员核对该院接口消息"}
        for consent in await self._consents.find_many(by_kind.get(BasisKind.CONSENT, set())):
            on = consent.answered_at or consent.created_at
            how = "凭短信验证码" if consent.via == "sms_code" else ""
            whys[f"{BasisKind.CONSENT}:{consent.id}"] = f"您于{_day(on)}{how}授权"
        for relation in await self._care.find_many(by_kind.get(BasisKind.CARE, set())):
            whys[f"{BasisKind.CARE}:{relation.id}"] = CARE_NAMES[relation.kind]
        for glass in await self._glasses.find_many(by_kind.get(BasisKind.BREAK_GLASS, set())):
            reason = REASONS.get(glass.reason_code, "")
            whys[f"{BasisKind.BREAK_GLASS}:{glass.id}"] = f"紧急调阅：{reason}"
        for code in by_kind.get(BasisKind.LAW, set()) & set(law.rules()):
            rule = law.rules()[code]
            whys[f"{BasisKind.LAW}:{code}"] = f"{rule.title}（依据{rule.law}）"
        return whys


def place_of(entry: AuditEntry) -> str:
    """The cursor that goes on after an entry, in the audit log's form."""
    return f"{int(entry.at.timestamp() * 1000)}.{entry.id}"


def _by(entry: AuditEntry) -> By:
    kind, _ = _basis_of(entry)
    if kind == BasisKind.OWN:
        return "self"
    if kind == BasisKind.GUARDIAN:
        return "guardian"
    return "hospital" if entry.actor_kind in ("client", "terminal") else "other"


def _basis_of(entry: AuditEntry) -> tuple[str, str]:
    kind, _, reference = entry.basis.partition(":")
    return kind, reference


def _doctor_id(entry: AuditEntry) -> str:
    said = entry.data.get("practitioner")
    if not said or entry.organization_id is None:
        return ""
    return practitioner_id(entry.organization_id, of_hospital(str(said)))


def _day(at: datetime) -> str:
    on = clock.civil_date(at)
    return f"{on.year}年{on.month}月{on.day}日"
