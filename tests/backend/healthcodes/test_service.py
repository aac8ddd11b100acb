"""The resident's side: whose codes may be made, printed codes, the log, events, what the database holds."""

from dataclasses import replace

import pytest

from backend import clock
from backend.errors import ErrorCode
from backend.healthcodes.codes import make_phone_code
from backend.healthcodes.models import SecondFactor
from backend.ids import new_id
from backend.worker.events import Event, EventKind
from tests.backend.healthcodes.conftest import refused, turn_clock
from tests.factories.residents import make_child, make_resident


@pytest.fixture
def codes(city):
    return city.services.healthcodes


@pytest.fixture
def verify(codes):
    return codes.verification.verify


async def test_nobody_makes_codes_of_somebody_else(city, codes, resident):
    stranger = await make_resident(city.services)
    for make in (codes.make_dynamic, codes.get_phone_device, codes.make_static, codes.revoke_phone_devices):
        assert await refused(make(stranger.actor, resident.id)) is ErrorCode.NOT_FOUND
        assert await refused(make(stranger.actor, new_id())) is ErrorCode.NOT_FOUND


async def test_without_a_real_name_there_is_no_code(city, codes):
    account = await city.services.residents._accounts.account_of_phone("13700000001")
    actor = replace((await make_resident(city.services)).actor, id=account.id, real_name=False)
    assert await refused(codes.make_dynamic(actor, actor.id)) is ErrorCode.REAL_NAME_REQUIRED


async def test_a_printed_code_can_be_printed_again(codes, resident):
    made = await codes.make_static(resident.actor, resident.id)
    assert await codes.list_static(resident.actor) == [made]


async def test_the_same_request_makes_one_printed_code(codes, resident):
    first = await codes.make_static(resident.actor, resident.id, "request-1")
    again = await codes.make_static(resident.actor, resident.id, "request-1")
    other = await codes.make_static(resident.actor, resident.id, "request-2")
    assert again.id == first.id
    assert other.id != first.id


async def test_three_printed_codes_are_enough(codes, resident):
    made = [await codes.make_static(resident.actor, resident.id) for _ in range(3)]
    assert await refused(codes.make_static(resident.actor, resident.id)) is ErrorCode.CONFLICT
    await codes.revoke_static(resident.actor, made[0].id)
    await codes.make_static(resident.actor, resident.id)


async def test_nobody_revokes_somebody_elses_printed_code(city, codes, resident):
    made = await codes.make_static(resident.actor, resident.id)
    stranger = await make_resident(city.services)
    assert await refused(codes.revoke_static(stranger.actor, made.id)) is ErrorCode.NOT_FOUND
    assert await codes.list_static(resident.actor) == [made]
    await codes.revoke_static(resident.actor, made.id)
    await codes.revoke_static(resident.actor, made.id)
    assert await codes.list_static(resident.actor) == []


async def test_the_log_names_places_and_pages(codes, verify, hospital, resident, monkeypatch):
    for _ in range(5):
        turn_clock(monkeypatch, seconds=2)
        code = await codes.make_dynamic(resident.actor, resident.id)
        await verify(hospital.window, code.text, "10105")
    first, cursor = await codes.list_uses(resident.actor, 3, None)
    rest, end = await codes.list_uses(resident.actor, 3, cursor)
    assert (len(first), len(rest), end) == (3, 2, None)
    assert len({seen.use.id for seen in first + rest}) == 5
    assert [seen.use.at for seen in first + rest] == sorted((s.use.at for s in first + rest), reverse=True)
    assert (first[0].organization_name, first[0].terminal_name) == ("健康城市第一人民医院", "1号窗口")
    assert first[0].use.step_name == "收费"


async def test_nobody_sees_somebody_elses_uses(city, codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    await verify(hospital.window, code.text, "10101")
    stranger = await make_resident(city.services)
    assert await codes.list_uses(stranger.actor, 10, None) == ([], None)


async def test_ending_the_guardianship_takes_the_childs_codes_away(city, codes, verify, hospital, resident):
    child = await make_child(city.services, resident)
    device = await codes.get_phone_device(resident.actor, child)
    printed = await codes.make_static(resident.actor, child)
    await city.services.residents.patients.remove(resident.actor, child)
    await run_events(city)
    assert await refused(codes.make_dynamic(resident.actor, child)) is ErrorCode.NOT_FOUND
    text = make_phone_code(device.pseudo_id, device.secret, clock.now())
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_REVOKED
    factor = SecondFactor(birth_year=2020)
    assert await refused(verify(hospital.window, printed.text, "10101", factor)) is ErrorCode.CODE_REVOKED


async def test_a_use_is_told_and_audited_and_a_replay_once_more(city, codes, verify, hospital, resident):
    heard = []

    async def hear(event: Event) -> None:
        heard.append(event.data)

    city.bus.subscribe(EventKind.CODE_USED, "test.hear", hear)
    code = await codes.make_dynamic(resident.actor, resident.id)
    used = await verify(hospital.window, code.text, "10101")
    for _ in range(3):
        await refused(verify(hospital.other_window, code.text, "10101"))
    await run_events(city)
    assert {(data["use_id"], data["terminal_id"], data["flagged"]) for data in heard} == {
        (used.use.id, hospital.window.id, "no"),
        (used.use.id, hospital.other_window.id, "yes"),
    }
    assert len(heard) == 2
    entries = await city.db.collection("audit").find({"object": f"patient/{resident.id}"}).to_list(None)
    written = {(entry["actor_id"], entry["action"]) for entry in entries}
    assert (hospital.window.id, "health_code.verify") in written
    assert (hospital.other_window.id, "health_code.replay") in written


async def test_the_database_holds_no_code_no_secret_and_no_person_in_clear(
    city, codes, verify, hospital, resident
):
    code = await codes.make_dynamic(resident.actor, resident.id)
    device = await codes.get_phone_device(resident.actor, resident.id)
    printed = await codes.make_static(resident.actor, resident.id)
    await verify(hospital.window, code.text, "10101")
    dump = ""
    for name in ("health_cards", "code_devices", "static_codes", "code_uses", "audit", "outbox"):
        dump += str(await city.db.collection(name).find({}).to_list(None))
    for secret in (code.text, printed.text, device.secret.hex(), resident.id_number, resident.name):
        assert secret not in dump


async def run_events(city) -> None:
    """Relay and run until nothing is due."""
    outbox = city.services.outbox
    while True:
        relayed = await outbox.relay()
        due = await outbox.take_due()
        if not relayed and not due:
            return
        await outbox.run_many(due)
