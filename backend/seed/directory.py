"""The demo's directory as values: the same institutions, departments and doctors every time."""

from __future__ import annotations

from dataclasses import dataclass

from backend.directory import identity
from backend.directory.models import Department, External, Organization, Practitioner
from backend.seed.hospitals import HOSPITALS, Hospital, Ward
from backend.seed.names import Names

DEMO_SYSTEM = "demo"
RANKS = ("主任医师", "副主任医师", "主治医师")


@dataclass(frozen=True, slots=True)
class Doctor:
    """A practitioner with the fee of their clinics."""

    practitioner: Practitioner
    rank: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A department with its doctors."""

    hospital: Hospital
    ward: Ward
    department: Department
    doctors: tuple[Doctor, ...]

    @property
    def general_fee_fen(self) -> int:
        """What the general clinic costs."""
        return self.hospital.fees_fen[0]


@dataclass(frozen=True, slots=True)
class DemoDirectory:
    """Everything the directory is filled with."""

    organizations: tuple[Organization, ...]
    units: tuple[Unit, ...]


def demo_directory() -> DemoDirectory:
    """Build it; nothing here depends on the day."""
    names = Names("doctors of 健康城")
    organizations: list[Organization] = []
    units: list[Unit] = []
    for hospital in HOSPITALS:
        organization = _organization(hospital)
        organizations.append(organization)
        for place, ward in enumerate(hospital.wards, start=1):
            units.append(_unit(hospital, organization, ward, f"D{place:02d}", names))
    return DemoDirectory(tuple(organizations), tuple(units))


def _organization(hospital: Hospital) -> Organization:
    external = External(DEMO_SYSTEM, hospital.key)
    return Organization(
        id=identity.organization_id(external),
        external=external,
        name=hospital.name,
        short_name=hospital.short_name,
        kind=hospital.kind,
        level=hospital.level,
        address=hospital.address,
        district=hospital.district,
        phone=hospital.phone,
        lat=hospital.lat,
        lng=hospital.lng,
    )


def _unit(hospital: Hospital, organization: Organization, ward: Ward, key: str, names: Names) -> Unit:
    external = identity.of_hospital(key)
    department = Department(
        id=identity.department_id(organization.id, external),
        external=external,
        organization_id=organization.id,
        name=ward.name,
        code=ward.code,
        place=ward.place,
    )
    ranks = [0] * ward.chiefs + [1] * ward.deputies + [2] * ward.attendings
    doctors = tuple(
        _doctor(hospital, department, ward, rank, f"{key}-P{place:02d}", names)
        for place, rank in enumerate(ranks, start=1)
    )
    return Unit(hospital, ward, department, doctors)


def _doctor(
    hospital: Hospital, department: Department, ward: Ward, rank: int, key: str, names: Names
) -> Doctor:
    external = identity.of_hospital(key)
    title = RANKS[rank].replace("医师", "中医师") if ward.code.startswith("50") else RANKS[rank]
    name = names.next()
    practitioner = Practitioner(
        id=identity.practitioner_id(department.organization_id, external),
        external=external,
        organization_id=department.organization_id,
        name=name,
        title=title,
        specialty=ward.specialties,
        intro=f"{name}，{hospital.name}{ward.name}{title}，擅长{ward.specialties}的诊治。",
        department_ids=(department.id,),
    )
    return Doctor(practitioner, rank, hospital.fees_fen[3 - rank])
