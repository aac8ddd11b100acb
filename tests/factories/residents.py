"""People with accounts for tests, and whom they act for; made through the residents area's own steps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from backend import clock
from backend.bootstrap import Services
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.residents.id_numbers import parse_id_number
from backend.residents.link_store import Placing
from backend.residents.models import (
    MOST_PATIENTS,
    LinkBasis,
    LinkState,
    PatientLink,
    Relation,
    of_age_on,
)
from backend.worker.events import Event, EventKind
from tests.factories.city import a_name, an_id_number

_serial = itertools.count(1)


@dataclass(frozen=True)
class SignedIn:
    """A resident with a session."""

    actor: Actor
    access_token: str
    refresh_token: str
    id_number: str
    name: str

    @property
    def id(self) -> str:
        return self.actor.id

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


async def make_resident(services: Services) -> SignedIn:
    """A real-name resident, signed in."""
    serial = next(_serial)
    name, number = a_name(serial), an_id_number(serial % 1000, f"19{60 + serial // 1000}0203")
    accounts = services.residents._accounts
    account = await accounts.account_of_phone(f"135{serial:08d}")
    person = await accounts.take_identity(account, name, parse_id_number(number, today=clock.today()))
    actor = Actor("resident", person.id, Role.RESIDENT, frozenset(), channel="h5", real_name=True)
    issued = await services.sessions.open(actor)
    actor = replace(actor, session_id=issued.actor.session_id)
    return SignedIn(actor, issued.access_token, issued.refresh_token, number, name)


async def make_child(
    services: Services, guardian: SignedIn, born: str = "20200601", relation: Relation = Relation.CHILD
) -> str:
    """A small child for whom the resident acts, or somebody else when told so; the id."""
    serial = next(_serial)
    number = parse_id_number(an_id_number(serial % 1000, born), today=clock.today())
    child = await services.residents.find_or_create_file(a_name(serial), number.text)
    links = services.residents.patients._links
    taken = {link.position for link in await links.list_of_guardian(guardian.id)}
    link = PatientLink(
        id=new_id(),
        guardian_id=guardian.id,
        patient_id=child,
        position=min(set(range(1, MOST_PATIENTS + 1)) - taken),
        relation=relation,
        state=LinkState.ACTIVE,
        basis=LinkBasis.REGISTER,
        created_at=clock.now(),
        consent_until=of_age_on(number.birth_on) if relation is Relation.CHILD else None,
    )
    data = {"link_id": link.id, "guardian_id": guardian.id, "patient_id": child}
    placing = await links.place(link, Event(EventKind.PATIENT_LINKED, data))
    assert placing is Placing.DONE
    return child
