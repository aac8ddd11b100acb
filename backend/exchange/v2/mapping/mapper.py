"""The whole mapping of one message: who it is about, and what becomes of its segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backend.exchange.v2.mapping.appointments import build_appointment
from backend.exchange.v2.mapping.building import Building, Draft, Finding
from backend.exchange.v2.mapping.charges import build_charges
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.conditions import (
    build_allergies,
    build_conditions,
    build_death,
    build_procedures,
)
from backend.exchange.v2.mapping.documents import build_document
from backend.exchange.v2.mapping.groups import groups_of
from backend.exchange.v2.mapping.known import Known
from backend.exchange.v2.mapping.medicines import build_medicine, build_medicines
from backend.exchange.v2.mapping.observations import build_observation, observation_keys
from backend.exchange.v2.mapping.orders import build_order
from backend.exchange.v2.mapping.people import (
    build_coverage,
    build_patient,
    chart_number,
    demographics,
)
from backend.exchange.v2.mapping.referrals import build_referral
from backend.exchange.v2.mapping.relatives import build_relatives
from backend.exchange.v2.mapping.visits import build_visit
from backend.exchange.v2.parsing import Header
from backend.exchange.v2.segments import Content
from backend.patient_index.models import ChartNumber, Demographics

# Whose PID is what the registration desk knows; other messages carry only as much as they need.
_REGISTERS = frozenset({"ADT", "BAR", "VXU"})
_ORDERS = frozenset({"ORM", "OMG", "OML", "ORU", "OUL"})
# In these the first field says something; in all others it only counts.
_NO_SET_ID = frozenset({"ORC", "SCH", "RXO", "RXE", "RXR", "MRG", "RF1", "PRD", "PD1", "ACC"})
# Orders stand behind the specimen they are about.
_BY_SPECIMEN = frozenset({"OUL^R22", "OUL^R23", "OML^O33", "OML^O35"})
# Segments that carry nothing about the patient.
_ENVELOPE = frozenset({"MSH", "SFT", "UAC", "EVN", "DSC", "FHS", "BHS"})


@dataclass(frozen=True)
class Whom:
    """Whom a message is about, as the patient index is told."""

    number: ChartNumber
    who: Demographics


@dataclass(frozen=True)
class Mapped:
    """What became of a message."""

    drafts: list[Draft]
    findings: list[Finding]


def whom(content: Content, codes: Codes) -> Whom | None:
    """The chart's number and the person, of the first PID."""
    patient = content.first("PID")
    number = chart_number(patient) if patient is not None else None
    return Whom(number, demographics(patient, codes)) if patient is not None and number else None


def map_message(
    header: Header,
    content: Content,
    *,
    chart_id: str,
    codes: Codes,
    received_at: datetime,
    known: tuple[Known, ...] = (),
) -> Mapped:
    """Every resource of a message about one chart, and what was not understood."""
    b = Building(header, content, chart_id, codes.organization_id, codes, received_at, known)
    patient = content.first("PID")
    if patient is not None:
        build_patient(b, patient, only_new=header.type not in _REGISTERS)
    build_visit(b)
    build_relatives(b)
    build_coverage(b)
    build_allergies(b)
    diagnoses = build_conditions(b)
    if b.encounter is not None and diagnoses and header.type in ("ADT", "BAR"):
        _of_visit(b, diagnoses)
    build_procedures(b)
    build_death(b)
    _FAMILIES.get(header.type, _observations)(b)
    build_referral(b)
    build_charges(b)
    _leftovers(b)
    return Mapped(list(b.drafts.values()), b.findings)


def _of_visit(b: Building, diagnoses: list[dict[str, object]]) -> None:
    for (kind, _), draft in b.drafts.items():
        if kind == "Encounter":
            draft.body["diagnosis"] = diagnoses


def _observations(b: Building) -> None:
    """OBX of a registration: height, blood pressure, what was measured on the way."""
    where = str(b.encounter["reference"]) if b.encounter else b.header.control_id
    for segment, key in observation_keys(f"{where}|{b.header.type}", list(b.content.each("OBX"))):
        build_observation(b, segment, key)


def _orders(b: Building) -> None:
    before, groups = groups_of(
        b.content, order_after=b.header.type == "OUL", by_specimen=b.header.kind in _BY_SPECIMEN
    )
    where = str(b.encounter["reference"]) if b.encounter else b.header.control_id
    for segment, key in observation_keys(f"{where}|before", before.each("OBX")):
        build_observation(b, segment, key)
    for group in groups:
        if group.of_medicine:
            build_medicine(b, group)
        else:
            build_order(b, group)


def _appointment(b: Building) -> None:
    build_appointment(b)
    _observations(b)


def _leftovers(b: Building) -> None:
    """What nobody read: whole segments, then fields."""
    for segment in b.content.all:
        if segment.name in _ENVELOPE:
            continue
        if not segment.read:
            b.not_understood("segment", segment)
            continue
        if segment.name == "NTE":
            # Its words are read; where they come from and of which kind they are says nothing more.
            continue
        for number in segment.unread():
            if number > 1 or segment.name in _NO_SET_ID:
                b.not_understood("field", segment, number)


_FAMILIES: dict[str, Callable[[Building], None]] = {
    **dict.fromkeys(_ORDERS, _orders),
    **dict.fromkeys(("RDE", "RDS", "RGV", "RAS", "VXU"), build_medicines),
    "SIU": _appointment,
    "MDM": build_document,
    "REF": _orders,
    "DFT": _orders,
}
