"""Following a rotation of the blind-index key: whatever happens in between, everybody stays one person."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.residents.accounts import Accounts
from backend.residents.claim_ids import ClaimIds
from backend.residents.id_numbers import parse_id_number
from backend.residents.index_store import ResidentIndexStore
from backend.residents.models import Resident, Verifier, WeChatApp
from backend.residents.reindexing import ResidentIndexes
from backend.residents.store import ResidentStore
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.key_file import dump_keys, parse_keys, write_private
from backend.security.keys import Keyring
from tests.backend.residents.world import make_person

PHONE, OTHER_PHONE, APP, OPENID = "13800001111", "13800002222", "wx-mini", "oABCDEFGHIJKLMNOPQRSTUVWXYZ0"


class Cut(Exception):  # noqa: N818 not an error of ours: the process ends here
    """The power goes out."""


class Fuse:
    """Lets so many writes through, then blows at every further one."""

    def __init__(self, target: Any, writes: tuple[str, ...], left: list[int]) -> None:
        self._target, self._writes, self._left = target, writes, left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name not in self._writes:
            return found

        async def guarded(*arguments: Any, **named: Any) -> Any:
            if not self._left[0]:
                raise Cut
            self._left[0] -= 1
            return await found(*arguments, **named)

        return guarded


class NoSessions:
    """Nobody is signed in here."""

    async def end_all(self, resident_id: str, reason: str) -> None: ...
    async def renew_all(self, resident_id: str) -> None: ...


class Process:
    """The residents area of one process, with the ring as that process has read it."""

    def __init__(self, db: Database, ring: Keyring) -> None:
        self.db, self.ring, self.blind = db, ring, BlindIndex(ring)
        self.ids = ClaimIds(self.blind)
        self.store = ResidentStore(db, FieldCipher(ring))
        sessions: Any = NoSessions()
        self.accounts = Accounts(self.store, self.ids, sessions)

    def indexes(self, left: int = 1_000_000) -> ResidentIndexes:
        """The re-indexing, with so many writes to go."""
        count = [left]
        residents: Any = Fuse(self.store, ("claim", "drop_claims"), count)
        indexes: Any = Fuse(ResidentIndexStore(self.db, self.store), ("note", "switch"), count)
        return ResidentIndexes(self.accounts, residents, indexes, self.ids, self.blind)

    async def finish(self) -> None:
        """Re-index until a pass finds nothing."""
        for _ in range(5):
            if not (await self.indexes().batch(None, 200)).changed:
                return
        raise AssertionError("re-indexing does not come to an end")

    async def claims(self) -> dict[str, str]:
        found = self.db.collection("resident_keys").find({})
        return {doc["_id"]: doc["resident_id"] async for doc in found}


@pytest.fixture
def process(db: Database) -> Process:
    return Process(db, Keyring.generate())


async def verified(process: Process) -> Resident:
    """Somebody with a phone, an ID number and a WeChat account."""
    account = await process.accounts.account_of_phone(PHONE)
    person = make_person()
    number = parse_id_number(person.id_number, today=clock.today())
    account = await process.accounts.take_identity(account, person.name, number)
    return await process.accounts.bind_wechat(account, WeChatApp.MINI, APP, OPENID)


async def found_by_everything(process: Process, person: Resident) -> None:
    """The same person, at once, however they come."""
    assert (await process.accounts.account_of_phone(PHONE)).id == person.id
    by_wechat = await process.accounts.account_of_wechat(APP, OPENID)
    assert by_wechat is not None
    assert by_wechat.id == person.id
    number = parse_id_number(person.id_number or "", today=clock.today())
    assert person.verified_by is not None
    again = await process.accounts.file_of(person.name or "", number, person.verified_by)
    assert again.id == person.id


async def test_claims_are_made_anew_and_the_old_ones_removed(process: Process):
    person = await verified(process)
    before = await process.claims()
    process.ring.rotate("blind")
    assert (await process.indexes().batch(None, 200)).changed == 1
    after = await process.claims()
    assert len(after) == len(before) == 3
    assert not set(after) & set(before)
    assert set(after.values()) == {person.id}
    assert (await process.indexes().batch(None, 200)).changed == 0
    assert await process.indexes().made_with("blind-1") == 0
    await found_by_everything(process, person)


# note, three claims, switch, the old ones dropped at once, note: a crash before each, and after the last.
@pytest.mark.parametrize("writes", range(8))
async def test_cut_short_anywhere_everybody_is_found_at_once_and_the_next_pass_finishes(
    process: Process, writes: int
):
    person = await verified(process)
    process.ring.rotate("blind")
    try:
        await process.indexes(writes).batch(None, 200)
    except Cut:
        assert writes < 7
    await found_by_everything(process, person)
    await process.finish()
    await found_by_everything(process, person)
    assert len(await process.claims()) == 3
    assert await process.indexes().made_with("blind-1") == 0


@pytest.mark.parametrize("writes", range(8))
async def test_a_phone_given_up_in_the_middle_is_free_for_the_next_one(process: Process, writes: int):
    person = await verified(process)
    process.ring.rotate("blind")
    with contextlib.suppress(Cut):
        await process.indexes(writes).batch(None, 200)
    now = await process.accounts.find(person.id)
    assert now is not None
    await process.accounts.change_phone(now, OTHER_PHONE)
    await _minutes_later(process.db)
    stranger = await process.accounts.account_of_phone(PHONE)
    assert stranger.id != person.id
    assert (await process.accounts.account_of_phone(OTHER_PHONE)).id == person.id
    await process.finish()
    assert (await process.accounts.account_of_phone(PHONE)).id == stranger.id
    assert (await process.accounts.account_of_phone(OTHER_PHONE)).id == person.id


async def _minutes_later(db: Database) -> None:
    """What looks left over is taken for it after a minute."""
    await db.collection("resident_keys").update_many(
        {}, {"$set": {"created_at": clock.now() - timedelta(minutes=2)}}
    )


async def test_people_who_sign_in_while_it_runs_stay_who_they_are(process: Process):
    phones = [f"138{number:08d}" for number in range(30)]
    known = {phone: (await process.accounts.account_of_phone(phone)).id for phone in phones}
    process.ring.rotate("blind")

    async def sign_in(phone: str) -> None:
        for _ in range(5):
            assert (await process.accounts.account_of_phone(phone)).id == known[phone]

    await asyncio.gather(process.finish(), process.finish(), *(sign_in(phone) for phone in phones))
    await process.finish()
    assert sorted((await process.claims()).values()) == sorted(known.values())


async def test_an_account_on_its_way_to_a_file_arrives_first(process: Process):
    person = make_person()
    number = parse_id_number(person.id_number, today=clock.today())
    file = await process.accounts.file_of(person.name, number, Verifier.HOSPITAL)
    account = await process.accounts.account_of_phone(PHONE)
    assert await process.store.begin_merge(account.id, file.id)
    process.ring.rotate("blind")
    await process.finish()
    assert (await process.accounts.account_of_phone(PHONE)).id == file.id
    assert set((await process.claims()).values()) == {file.id}
    assert await process.indexes().made_with("blind-1") == 0


async def test_two_processes_that_disagree_about_the_key_make_one_account_of_a_phone(
    db: Database, tmp_path: Path
):
    path = tmp_path / "keys.json"
    Keyring.generate(path)
    # The second process has the new key announced, not yet active: as a clock a little slow has it.
    Keyring.from_file(path).rotate("blind")
    ahead = Process(db, Keyring.from_file(path))
    later = tuple(
        replace(key, active_from_at=clock.now() + timedelta(hours=1)) if key.kid == "blind-2" else
        replace(key, state="active")
        for key in parse_keys(path.read_text(), None)
    )  # fmt: skip
    write_private(tmp_path / "behind.json", dump_keys(later, None))
    behind = Process(db, Keyring.from_file(tmp_path / "behind.json"))
    assert (ahead.blind.current, behind.blind.current) == ("blind-2", "blind-1")
    phones = [f"137{number:08d}" for number in range(20)]
    made = await asyncio.gather(
        *(each.accounts.account_of_phone(phone) for phone in phones for each in (ahead, behind))
    )
    owners = [resident.id for resident in made]
    assert owners[::2] == owners[1::2]
    assert len(await ahead.claims()) == len(phones)


async def test_a_file_is_found_by_its_phone_before_and_after_a_rotation(process: Process):
    person = make_person()
    number = parse_id_number(person.id_number, today=clock.today())
    made = await process.accounts.file_of(person.name, number, Verifier.HOSPITAL, OTHER_PHONE)

    async def found() -> list[str]:
        return await process.store.list_by_contact(process.ids.of_phone(OTHER_PHONE), 5)

    assert await found() == [made.id]
    process.ring.rotate("blind")
    assert await found() == [made.id]
    assert await process.indexes().made_with("blind-1") == 1
    await process.finish()
    assert await process.indexes().made_with("blind-1") == 0
    assert await process.store.list_by_contact(process.ids.of_phone(OTHER_PHONE)[:1], 5) == [made.id]
