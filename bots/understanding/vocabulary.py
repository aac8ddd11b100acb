"""The city's names as the bots need them: an immutable copy of the directory, built by whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrganizationWords:
    """An institution; `district` is dropped from its name to find what people say."""

    id: str
    name: str
    short_name: str = ""
    aliases: tuple[str, ...] = ()
    district: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentWords:
    """A department; `code` is the national four-digit subject."""

    id: str
    organization_id: str
    name: str
    code: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PractitionerWords:
    """A doctor within one institution."""

    id: str
    organization_id: str
    name: str
    department_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectWords:
    """A line of the national list of clinical subjects, with what residents call it."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All the names of one city. `city_name` is dropped from institutions' names like their district."""

    organizations: tuple[OrganizationWords, ...] = ()
    departments: tuple[DepartmentWords, ...] = ()
    practitioners: tuple[PractitionerWords, ...] = ()
    subjects: tuple[SubjectWords, ...] = ()
    city_name: str = ""
