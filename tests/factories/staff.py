"""Staff for tests: members with known credentials."""

from dataclasses import dataclass

import pyotp

from backend import clock
from backend.permissions import SYSTEM, Role
from backend.staff.models import NewStaff, StaffMember
from backend.staff.service import StaffService

PASSWORD = "gentle-otter-42-lamp"
_made = 0


@dataclass
class KnownStaff:
    """A member whose password and secret a test knows."""

    member: StaffMember
    password: str
    totp_secret: str
    _last_step: int = 0

    @property
    def login(self) -> str:
        return self.member.login

    def code(self) -> str:
        """A code that has not been used yet: the next step's when this one's was."""
        step = max(int(clock.now().timestamp()) // 30, self._last_step + 1)
        self._last_step = step
        return pyotp.TOTP(self.totp_secret).generate_otp(step)


async def make_staff(
    staff: StaffService,
    role: Role = Role.CITY_OPERATOR,
    *,
    organization_ids: frozenset[str] | None = None,
    login: str = "",
    must_change_password: bool = False,
) -> KnownStaff:
    """An account that can sign in at once."""
    global _made
    _made += 1
    if role in (Role.HOSPITAL_OPERATOR, Role.DOCTOR) and organization_ids is None:
        organization_ids = frozenset({"ORG-1"})
    made = await staff.add(
        SYSTEM,
        NewStaff(
            login=login or f"{role.value}.{_made}",
            name="林晓",
            role=role,
            organization_ids=organization_ids,
            password=PASSWORD,
            must_change_password=must_change_password,
        ),
    )
    return KnownStaff(made.member, PASSWORD, made.totp_secret)
