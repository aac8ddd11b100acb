"""Files of people without account end when nobody has needed them for three years."""

from __future__ import annotations

from datetime import timedelta

from backend import clock
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM
from tests.backend.residents.world import World, later, make_person

KEPT = timedelta(days=1095)
LONG = {"days": 1096}


async def run(world: World) -> int:
    gone = await world.residents.forgetting.run()
    await world.outbox.drain()
    return gone


async def state_of(world: World, file_id: str) -> str:
    doc = await world.db.collection("residents").find_one({"_id": file_id})
    assert doc is not None
    return str(doc["state"])


async def make_file(world: World) -> str:
    person = make_person()
    return await world.residents.find_or_create_file(person.name, person.id_number, "13912345678")


async def test_a_file_nobody_needed_for_long_is_erased_and_its_number_free(world: World) -> None:
    person = make_person()
    made = await world.residents.find_or_create_file(person.name, person.id_number, "13912345678")
    with later(days=1094):
        assert await run(world) == 0
    with later(**LONG):
        assert await run(world) == 1
        doc = await world.db.collection("residents").find_one({"_id": made})
        assert doc is not None
        assert doc["state"] == "deleted"
        personal = {"name", "name_index", "id_number", "id_key", "phone", "contact_index", "birth_on", "sex"}
        assert not personal & set(doc)
        assert await world.db.collection("resident_keys").count_documents({"resident_id": made}) == 0
        entries, _ = await world.audit.list_entries(SYSTEM, AuditFilter(action="resident.forget"))
        assert [entry.object for entry in entries] == [f"resident/{made}"]
        again = await world.residents.find_or_create_file(person.name, person.id_number)
        assert again != made


async def test_a_file_with_a_later_visit_is_kept_until_that_is_long_ago(world: World) -> None:
    made = await make_file(world)
    with later(**LONG):
        world.visits[made] = clock.now() - timedelta(days=10)
        assert await run(world) == 0
    with later(days=1096 + 1000):
        assert await run(world) == 0
    with later(days=1096 + 1095):
        assert await run(world) == 1


async def test_a_file_somebody_acts_for_is_kept_and_for_a_time_after(world: World) -> None:
    guardian = await world.verified()
    child = make_person(clock.today().replace(year=clock.today().year - 3, day=1))
    added = await world.add_patient(guardian, child, "child")
    with later(**LONG):
        assert await run(world) == 0
        assert guardian.person is not None
        back = await world.sign_in_after_long(guardian.person)
        await world.call("DELETE", f"patients/{added['id']}", as_=back, expect=204)
    with later(days=1096 + 31):
        assert await run(world) == 0
        assert await state_of(world, added["id"]) == "file"
    with later(days=2 * 1096):
        assert await run(world) == 1


async def test_accounts_are_never_forgotten_by_the_clock(world: World) -> None:
    owner = await world.verified()
    with later(days=10_000):
        assert await run(world) == 0
        assert await state_of(world, owner.id) == "account"


async def test_a_needed_file_is_not_looked_at_every_time(world: World) -> None:
    made = await make_file(world)
    with later(**LONG):
        world.visits[made] = clock.now()
        assert await run(world) == 0
        assert await world.residents._store.list_old_files(clock.now() - KEPT, 10) == []
    with later(days=1096 + 31):
        assert await world.residents._store.list_old_files(clock.now() - KEPT, 10) == [made]
