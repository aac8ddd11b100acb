"""National codes of institutions and departments.

What changes from city to city is data, not code: the list of departments is `department_codes.json`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_DEPARTMENT_FILE = Path(__file__).with_name("department_codes.json")
_DEPARTMENT_CODE = re.compile(r"^A?(\d{1,2})(?:[.\s]?(\d{1,2}))?$")


class OrganizationKind(StrEnum):
    """What sort of institution a resident goes to."""

    GENERAL = "general"
    TCM = "tcm"
    SPECIALIST = "specialist"
    MATERNAL = "maternal"
    COMMUNITY = "community"
    TOWNSHIP = "township"
    VILLAGE = "village"
    CLINIC = "clinic"
    VACCINATION = "vaccination"


KIND_NAMES: dict[OrganizationKind, str] = {
    OrganizationKind.GENERAL: "综合医院",
    OrganizationKind.TCM: "中医医院",
    OrganizationKind.SPECIALIST: "专科医院",
    OrganizationKind.MATERNAL: "妇幼保健院",
    OrganizationKind.COMMUNITY: "社区卫生服务中心",
    OrganizationKind.TOWNSHIP: "乡镇卫生院",
    OrganizationKind.VILLAGE: "村卫生室",
    OrganizationKind.CLINIC: "门诊部",
    OrganizationKind.VACCINATION: "预防接种点",
}


class HospitalLevel(StrEnum):
    """医院等级: the national two-digit code is level and grade (32 = 三级甲等); 9 has not been graded."""

    L3_SPECIAL = "31"
    L3_A = "32"
    L3_B = "33"
    L3_C = "34"
    L2_A = "22"
    L2_B = "23"
    L2_C = "24"
    L1_A = "12"
    L1_B = "13"
    L1_C = "14"
    UNGRADED = "9"


LEVEL_NAMES: dict[HospitalLevel, str] = {
    HospitalLevel.L3_SPECIAL: "三级特等",
    HospitalLevel.L3_A: "三级甲等",
    HospitalLevel.L3_B: "三级乙等",
    HospitalLevel.L3_C: "三级丙等",
    HospitalLevel.L2_A: "二级甲等",
    HospitalLevel.L2_B: "二级乙等",
    HospitalLevel.L2_C: "二级丙等",
    HospitalLevel.L1_A: "一级甲等",
    HospitalLevel.L1_B: "一级乙等",
    HospitalLevel.L1_C: "一级丙等",
    HospitalLevel.UNGRADED: "未定级",
}


@dataclass(frozen=True, slots=True)
class DepartmentCode:
    """One line of the national list of clinical subjects, with what residents call it."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()


@cache
def department_codes() -> dict[str, DepartmentCode]:
    """The national list by four-digit code."""
    rows = json.loads(_DEPARTMENT_FILE.read_text(encoding="utf-8"))["codes"]
    entries = (DepartmentCode(row["code"], row["name"], tuple(row.get("aliases", ()))) for row in rows)
    return {entry.code: entry for entry in entries}


def find_department_code(text: str) -> DepartmentCode | None:
    """The entry for any of the spellings in use: `0304`, `304`, `03.04`, `A03.04`, `03`, `300`.

    A subdivision that the list does not have is accepted under its known main subject, since provinces add
    their own; an unknown main subject is not.
    """
    code = _four_digits(text.strip().upper())
    if code is None:
        return None
    known = department_codes().get(code)
    main = department_codes().get(code[:2] + "00")
    if known is not None or main is None:
        return known
    return DepartmentCode(code, main.name, main.aliases)


def _four_digits(text: str) -> str | None:
    if text.isascii() and text.isdigit() and len(text) in (3, 4):
        return text.zfill(4)
    match = _DEPARTMENT_CODE.match(text)
    if match is None:
        return None
    return match[1].zfill(2) + (match[2] or "").zfill(2)
