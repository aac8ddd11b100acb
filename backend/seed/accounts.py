"""Logins of the demo: a member of staff for each role, each hospital's system, a few terminals.

Their secrets come out of the demo's own key ring, so a second start hands out the same ones and the
database never holds them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from backend.bootstrap import City
from backend.directory.models import Organization, TerminalKind
from backend.ids import derived_id
from backend.permissions import SYSTEM, Actor, Role
from backend.security.derive import derive_key
from backend.seed.directory import DemoDirectory
from backend.staff.models import NewStaff

# Where staff of the demo work, by the keys of `hospitals.py`.
LEAD, CLINIC = "rmyy", "cxsq"
_STAFF = (
    ("city", "市级运营 林一诺", Role.CITY_OPERATOR, ""),
    ("hospital", "医院运营 沈知行", Role.HOSPITAL_OPERATOR, LEAD),
    ("doctor", "门诊医生 顾清和", Role.DOCTOR, LEAD),
    ("finance", "财务 殷若水", Role.FINANCE, ""),
    ("auditor", "审计 裴正明", Role.AUDITOR, ""),
    ("family", "家庭医生 宋家和", Role.DOCTOR, CLINIC),
)
_TERMINALS = (
    ("挂号窗口1号", TerminalKind.WINDOW),
    ("自助机1号", TerminalKind.KIOSK),
    ("门诊药房", TerminalKind.PHARMACY),
    ("检验采血窗口", TerminalKind.LAB),
)


_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class DemoSecrets:
    """Secrets made from the ring's first key: lasting as long as the demo's folder."""

    def __init__(self, city: City) -> None:
        first = city.services.keyring.all("csrf")[-1]
        self._key = derive_key(first.secret, "demo-secrets")

    def bytes_of(self, what: str) -> bytes:
        """32 bytes that only this demo has."""
        return hmac.digest(self._key, what.encode(), hashlib.sha256)

    def client_secret(self, what: str) -> str:
        """256 bits for an OAuth2 client."""
        return base64.urlsafe_b64encode(self.bytes_of(what)).decode().rstrip("=")

    def password(self, what: str) -> str:
        """One a person can type: four groups of four."""
        letters = base64.b32encode(self.bytes_of(what)).decode().lower().replace("l", "9")
        return "-".join(letters[start : start + 4] for start in range(0, 16, 4))

    def totp(self, what: str) -> str:
        """160 bits in base 32, as authenticator apps take them."""
        return base64.b32encode(self.bytes_of(what)[:20]).decode()


async def seed_staff(city: City, secrets: DemoSecrets, directory: DemoDirectory) -> list[dict[str, str]]:
    """One member for each role, and a family doctor; doctors are somebody of the directory."""
    told = []
    for login, name, role, place in _STAFF:
        unit = next((unit for unit in directory.units if unit.hospital.key == place), None)
        password, totp = secrets.password(f"staff {login}"), secrets.totp(f"totp {login}")
        if await city.services.staff.find_by_login(login) is None:
            wanted = NewStaff(
                login,
                name,
                role,
                frozenset({unit.department.organization_id}) if unit else None,
                password=password,
                totp_secret=totp,
                must_change_password=False,
                practitioner_id=unit.doctors[0].practitioner.id if unit and role is Role.DOCTOR else "",
            )
            await city.services.staff.add(SYSTEM, wanted)
        told.append({"login": login, "password": password, "totp_secret": totp, "role": str(role)})
    return told


async def seed_clients(city: City, secrets: DemoSecrets, directory: DemoDirectory) -> list[dict[str, Any]]:
    """Each hospital's own system, and a terminal of every kind."""
    organizations = directory.organizations
    return await asyncio.gather(*(_clients_of(city, secrets, organization) for organization in organizations))


async def _clients_of(city: City, secrets: DemoSecrets, organization: Organization) -> dict[str, Any]:
    client_id = demo_client_id(organization.id, "system")
    secret = secrets.client_secret(f"client {client_id}")
    await city.services.clients.register_hospital(
        organization.id, f"{organization.short_name}信息系统", client_id=client_id, secret=secret
    )
    return {
        "id": organization.id,
        "name": organization.name,
        "client_id": client_id,
        "client_secret": secret,
        "terminals": await _terminals(city, secrets, organization),
    }


async def _terminals(city: City, secrets: DemoSecrets, organization: Organization) -> list[dict[str, str]]:
    hospital = Actor(
        kind="client",
        id=demo_client_id(organization.id, "system"),
        role=Role.HOSPITAL_CLIENT,
        organization_ids=frozenset({organization.id}),
    )
    told = []
    for name, kind in _TERMINALS:
        client_id = demo_client_id(organization.id, str(kind))
        secret = secrets.client_secret(f"terminal {client_id}")
        await city.services.clients.register_terminal(
            hospital, name, kind, client_id=client_id, secret=secret
        )
        told.append({"name": name, "kind": str(kind), "client_id": client_id, "client_secret": secret})
    return told


def demo_client_id(organization_id: str, what: str) -> str:
    """The id of a hospital's system, or of its terminal of a kind."""
    return derived_id(_BEGINNING, "demo-client", organization_id, what)
