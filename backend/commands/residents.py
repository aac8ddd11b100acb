"""`healthycity resident`: what is done for somebody who stands at a window with the ID card."""

from backend.bootstrap import City
from backend.commands.city import in_city, tell_refusals
from backend.commands.terminal import out
from backend.permissions import SYSTEM


def restore_phone(id_number: str, phone: str, reason: str) -> None:
    """Let the account of a person be signed in to by another phone."""

    async def work(city: City) -> None:
        resident_id = await city.services.residents.restore_phone(SYSTEM, id_number, phone, reason)
        out.print(f"account {resident_id}: the new phone signs in from now on; every session has ended.")

    tell_refusals(lambda: in_city(work))
