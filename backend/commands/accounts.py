"""Opening accounts from the command line: the first members of staff, hospitals and their systems."""

from backend.bootstrap import City
from backend.commands.city import in_city, tell_refusals
from backend.commands.terminal import CommandError, out
from backend.directory import identity
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import External, Organization
from backend.permissions import STAFF_ROLES, SYSTEM, Role
from backend.staff.models import NewStaff

# How a hospital is called that somebody typed in, in the place of a feed's own identifiers.
TYPED_IN = "city"


def add_staff(login: str, name: str, role: str, hospitals: list[str]) -> None:
    """Open an account and print its first password and one-time-code secret, once."""
    known = {member.value for member in STAFF_ROLES}
    if role not in known:
        raise CommandError(f"{role} is no role of staff; the roles are {', '.join(sorted(known))}.")
    wanted = NewStaff(login, name, Role(role), frozenset(hospitals) or None)

    async def work(city: City) -> None:
        issued = await city.services.staff.add(SYSTEM, wanted)
        out.print(f"login        {issued.member.login}")
        out.print(f"password     {issued.password}  (to be changed at the first sign-in)", markup=False)
        out.print(f"TOTP secret  {issued.totp_secret}")
        out.print(f"TOTP address {issued.totp_uri}", markup=False)
        out.print("This is shown once: hand it over in person.")

    tell_refusals(lambda: in_city(work))


def add_hospital(
    code: str, name: str, short_name: str, kind: str, level: str, address: str, phone: str
) -> None:
    """Put a hospital into the directory and print the credentials of its system, once."""
    external = External(TYPED_IN, code)
    try:
        hospital = Organization(
            id=identity.organization_id(external),
            external=external,
            name=name,
            short_name=short_name or name,
            kind=OrganizationKind(kind),
            level=HospitalLevel(level),
            address=address,
            phone=phone,
        )
    except ValueError as error:
        raise CommandError(f"{error}; see `healthycity hospital add --help`.") from None

    async def work(city: City) -> None:
        await city.services.directory.save_organizations([hospital])
        issued = await city.services.client_care.register_hospital(SYSTEM, hospital.id, name)
        out.print(f"organisation  {hospital.id}")
        out.print(f"client id     {issued.client.id}")
        out.print(f"client secret {issued.secret}  (shown once)", markup=False)
        out.print(f"token address {city.settings.public_url}/oauth2/token")

    tell_refusals(lambda: in_city(work))
