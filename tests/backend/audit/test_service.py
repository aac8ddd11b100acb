"""The audit log on a real database: who touches an entry is found out, and readers keep to their scope."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit.chain import Chain
from backend.audit.models import AuditFilter, Finding
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database, Document
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.security.keys import Keyring

AUDITOR = Actor(kind="staff", id="A1", role=Role.AUDITOR, organization_ids=None)
HOSPITAL_AUDITOR = Actor(kind="staff", id="A2", role=Role.AUDITOR, organization_ids=frozenset({"org-1"}))


async def write(audit: AuditService, count: int, organization_id: str | None = None) -> None:
    for number in range(count):
        await audit.record(
            AUDITOR, "test.act", f"thing/{number}", "a test", organization_id, {"step": number, "ok": True}
        )


async def found(audit: AuditService) -> list[tuple[str, int, Finding]]:
    report = await audit.verify()
    return [(problem.stream, problem.number, problem.finding) for problem in report.problems]


def at(number: int, stream: str = "city") -> Document:
    return {"stream": stream, "number": number}


async def test_an_untouched_log_is_intact(audit: AuditService) -> None:
    await write(audit, 5)
    await write(audit, 3, "org-1")
    seen: list[tuple[int, int]] = []
    report = await audit.verify(lambda done, total: seen.append((done, total)))
    assert report.intact
    assert (report.streams, report.entries) == (2, 8)
    assert seen[-1] == (8, 8)


async def test_an_empty_log_is_intact(audit: AuditService) -> None:
    assert (await audit.verify()).intact


async def test_a_hundred_writers_at_once_make_one_unbroken_chain(
    audit: AuditService, db: Database, keyring: Keyring
) -> None:
    chain = Chain(keyring)
    other = AuditService(AuditStore(db, chain), chain)
    await asyncio.gather(*(write(service, 5) for service in (audit, other) * 10))
    report = await audit.verify()
    assert report.intact
    assert report.entries == 100


@pytest.mark.parametrize(
    "change",
    [
        {"action": "test.other"},
        {"actor_id": "B2"},
        {"data.step": 9},
        {"data.extra": "x"},
        {"basis": ""},
        {"hash": "0" * 64},
        {"place": 4},
        {"before": "0" * 64},
        {"kid": "audit-9"},
        {"organization_id": "org-2"},
    ],
)
async def test_a_changed_entry_is_named(audit: AuditService, db: Database, change: Document) -> None:
    await write(audit, 5)
    await db.collection("audit").update_one(at(3), {"$set": change})
    assert await found(audit) == [("city", 3, Finding.CHANGED)]


async def test_a_changed_time_is_noticed(audit: AuditService, db: Database) -> None:
    await write(audit, 2)
    await db.collection("audit").update_one(at(1), {"$set": {"at": clock.now() - timedelta(days=1)}})
    assert await found(audit) == [("city", 1, Finding.CHANGED)]


@pytest.mark.parametrize("number", [1, 3, 5])
async def test_a_removed_entry_is_named_even_at_the_end(
    audit: AuditService, db: Database, number: int
) -> None:
    await write(audit, 5)
    await db.collection("audit").delete_one(at(number))
    assert await found(audit) == [("city", number, Finding.REMOVED)]


async def test_a_removed_stream_is_named_with_all_that_is_missing(audit: AuditService, db: Database) -> None:
    await write(audit, 2)
    await write(audit, 3, "org-1")
    await db.collection("audit").delete_many({"stream": "org-1"})
    report = await audit.verify()
    assert [str(problem) for problem in report.problems] == ["org-1:1-3: the entry is missing"]


async def test_a_removed_entry_is_named_when_the_rest_was_renumbered(
    audit: AuditService, db: Database
) -> None:
    await write(audit, 4)
    await db.collection("audit").delete_one(at(2))
    for number in (3, 4):
        await move(db, number, number - 1)
    assert await found(audit) == [
        ("city", 2, Finding.REORDERED),
        ("city", 3, Finding.REORDERED),
        ("city", 4, Finding.REMOVED),
    ]


async def test_swapped_entries_are_named_with_where_they_were(audit: AuditService, db: Database) -> None:
    await write(audit, 5)
    await move(db, 3, 99)
    await move(db, 4, 3)
    await move(db, 99, 4)
    report = await audit.verify()
    assert [(p.number, p.finding, p.was) for p in report.problems] == [
        (3, Finding.REORDERED, 4),
        (4, Finding.REORDERED, 3),
    ]


@pytest.mark.parametrize("number", [0, 2.5, 4])
async def test_an_entry_put_in_by_hand_is_named(audit: AuditService, db: Database, number: float) -> None:
    await write(audit, 3)
    entry = await db.collection("audit").find_one(at(2))
    assert entry is not None
    entry |= {"_id": "city:forged", "number": number, "action": "test.forged"}
    await db.native.command("collMod", "audit", validationLevel="off")
    await db.collection("audit").insert_one(entry)
    await db.native.command("collMod", "audit", validationLevel="strict")
    assert await found(audit) == [("city", int(number), Finding.INSERTED)]


async def test_a_genuine_entry_copied_to_the_end_is_named(audit: AuditService, db: Database) -> None:
    await write(audit, 3)
    entry = await db.collection("audit").find_one(at(2))
    assert entry is not None
    await db.collection("audit").insert_one(entry | {"_id": "city:copy", "number": 4})
    assert await found(audit) == [("city", 4, Finding.INSERTED)]


async def test_a_missing_mark_of_the_end_is_reported(audit: AuditService, db: Database) -> None:
    await write(audit, 3)
    await db.collection("audit_heads").delete_one({"_id": "city"})
    assert await found(audit) == [("city", 3, Finding.END_UNKNOWN)]


async def test_an_end_mark_set_back_by_hand_is_reported(audit: AuditService, db: Database) -> None:
    await write(audit, 3)
    await db.collection("audit").delete_one(at(3))
    await db.collection("audit_heads").update_one({"_id": "city"}, {"$set": {"number": 2}})
    assert await found(audit) == [("city", 2, Finding.END_UNKNOWN)]


async def test_an_anchor_finds_an_end_that_was_rewound_with_its_mark(
    audit: AuditService, db: Database
) -> None:
    await write(audit, 2)
    head = await db.collection("audit_heads").find_one({"_id": "city"})
    await write(audit, 2)
    assert await audit.anchor() == 1
    assert await audit.anchor() == 0
    await db.collection("audit").delete_many({"number": {"$gt": 2}})
    assert head is not None
    await db.collection("audit_heads").replace_one({"_id": "city"}, head)
    report = await audit.verify()
    assert [str(problem) for problem in report.problems] == ["city:3-4: the entry is missing"]


async def test_an_anchor_finds_a_log_rewritten_with_the_key(
    audit: AuditService, db: Database, keyring: Keyring
) -> None:
    await write(audit, 2)
    await audit.anchor()
    chain, before = Chain(keyring), None
    for number in (1, 2):
        entry = await db.collection("audit").find_one(at(number))
        assert entry is not None
        before = chain.seal(before, entry | {"action": "test.nothing_to_see"})
        await db.collection("audit").replace_one({"_id": entry["_id"]}, before)
    assert await found(audit) == [("city", 2, Finding.CHANGED)]


async def test_old_entries_stay_verifiable_after_a_key_rotation(
    audit: AuditService, keyring: Keyring
) -> None:
    await write(audit, 2)
    keyring.rotate("audit")
    await write(audit, 2)
    assert (await audit.verify()).intact


async def test_personal_data_that_slips_in_is_not_kept(audit: AuditService, db: Database) -> None:
    await audit.record(
        SYSTEM,
        "test.act",
        "thing/1",
        "caller 13812345678 asked",
        None,
        {"phone": "13812345678", "note": "11010519491231002X"},
    )
    stored = str(await db.collection("audit").find_one({}))
    assert "13812345678" not in stored
    assert "11010519491231002X" not in stored
    assert (await audit.verify()).intact


async def test_a_reader_sees_only_the_own_organisation(audit: AuditService) -> None:
    await write(audit, 2)
    await write(audit, 2, "org-1")
    await write(audit, 2, "org-2")
    everything, _ = await audit.list_entries(AUDITOR, AuditFilter())
    own, _ = await audit.list_entries(HOSPITAL_AUDITOR, AuditFilter())
    others, _ = await audit.list_entries(HOSPITAL_AUDITOR, AuditFilter(organization_id="org-2"))
    assert len(everything) == 6
    assert {entry.organization_id for entry in own} == {"org-1"}
    assert others == []


async def test_pages_follow_each_other_newest_first_without_gap_or_repeat(audit: AuditService) -> None:
    await asyncio.gather(write(audit, 7), write(audit, 6, "org-1"))
    pages: list[Any] = []
    cursor = None
    while True:
        page, cursor = await audit.list_entries(AUDITOR, AuditFilter(), cursor=cursor, limit=4)
        pages.append(page)
        if cursor is None:
            break
    entries = [entry for page in pages for entry in page]
    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert len({entry.id for entry in entries}) == 13
    assert entries == sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)


async def test_filters_narrow_the_list(audit: AuditService) -> None:
    await write(audit, 3)
    await audit.record(SYSTEM, "other.act", "thing/9", "a test")
    by_action, _ = await audit.list_entries(AUDITOR, AuditFilter(action="other.act"))
    by_actor, _ = await audit.list_entries(AUDITOR, AuditFilter(actor_id="A1"))
    by_object, _ = await audit.list_entries(AUDITOR, AuditFilter(object="thing/2"))
    later, _ = await audit.list_entries(AUDITOR, AuditFilter(from_at=clock.now() + timedelta(hours=1)))
    until, _ = await audit.list_entries(AUDITOR, AuditFilter(to_at=clock.now() + timedelta(hours=1)))
    assert [entry.object for entry in by_action] == ["thing/9"]
    assert len(by_actor) == 3
    assert [entry.data["step"] for entry in by_object] == [2]
    assert (later, len(until)) == ([], 4)


@pytest.mark.parametrize("cursor", ["x", "12", "12.", "9" * 20 + ".a", "-1.a"])
async def test_a_made_up_cursor_is_refused(audit: AuditService, cursor: str) -> None:
    with pytest.raises(AppError) as caught:
        await audit.list_entries(AUDITOR, AuditFilter(), cursor=cursor)
    assert caught.value.code is ErrorCode.BAD_REQUEST


async def move(db: Database, number: int, to: int) -> None:
    """What somebody with write access does to give an entry another place."""
    entry = await db.collection("audit").find_one_and_delete(at(number))
    assert entry is not None
    await db.collection("audit").insert_one(entry | {"_id": f"city:{to:012d}", "number": to})
