"""Documents that lie apart: sealed, whole before they are named, never left behind, read like others."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend import clock
from backend.db.client import Along, Database
from backend.errors import AppError, ErrorCode
from backend.records import bodies
from backend.records.apart import MARK, file_in, names
from backend.records.blobs import PIECE_BYTES
from backend.records.files import LOOSE_FOR
from backend.records.models import Body, Incoming, Outcome, Resource
from backend.records.store import Change, ResourceStore
from tests.factories.record_parts import HOSPITAL, RecordParts, a_basis, a_message

LONG = b"%PDF-1.7 " + random.Random(1).randbytes(2 * PIECE_BYTES + 5)
OTHER = b"%PDF-1.4 " + random.Random(2).randbytes(PIECE_BYTES)


@pytest.fixture
def parts(db: Database) -> RecordParts:
    return RecordParts(db)


def document(owner: str, content: bytes = LONG, key: str | None = "d", **more: str) -> Incoming:
    attachment = {"contentType": "application/pdf", "data": base64.b64encode(content).decode()}
    body: Body = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "出院小结"},
        "subject": {"reference": f"Patient/{owner}"},
        "date": "2026-09-14T09:30:00+08:00",
        "content": [{"attachment": attachment}],
    }
    return Incoming("DocumentReference", owner, body | more, key=key)


async def read(parts: RecordParts, chart: str, id: str) -> Resource:
    found = await parts.reader.read(a_basis(chart), id)
    assert found is not None
    return found


async def content_of(parts: RecordParts, resource: Resource) -> bytes:
    file = file_in(resource, resource.body["content"][0]["attachment"])
    assert file is not None
    opened = await parts.files.open(file)
    chunks = [chunk async for chunk in opened.chunks]
    assert max(map(len, chunks)) <= PIECE_BYTES
    assert opened.size == file.size == sum(map(len, chunks))
    return b"".join(chunks)


async def lying(parts: RecordParts) -> tuple[int, int]:
    """How many files there are, and how many pieces."""
    return len(await parts.documents("resource_files")), len(await parts.documents("blob_pieces"))


async def pass_a_day(parts: RecordParts) -> None:
    since = {"$set": {"loose_since": clock.now() - LOOSE_FOR - timedelta(minutes=1)}}
    await parts.db.collection("resource_files").update_many({"loose_since": {"$exists": True}}, since)
    await parts.files.sweep()


async def test_a_large_document_lies_apart_and_reads_as_it_was_sent(parts: RecordParts):
    chart, sent = parts.charts.add(), document
    (written,) = await parts.write(sent(chart))
    (doc,) = await parts.documents()
    assert len(doc["body"]["ct"]) < 2_000
    assert not any(b"%PDF" in bytes(piece["data"]) for piece in await parts.documents("blob_pieces"))
    assert await lying(parts) == (1, 3)
    found = await read(parts, chart, written.id)
    assert await content_of(parts, found) == LONG
    whole = await parts.files.whole(found)
    assert whole.body["content"] == sent(chart).body["content"]
    # The same again, and handed back as it was handed out, whole or not: no version, no other file.
    for body in (sent(chart).body, whole.body, found.body):
        (again,) = await parts.write(replace(sent(chart), body=body))
        assert again.outcome is Outcome.UNCHANGED
    assert await lying(parts) == (1, 3)


async def test_a_new_version_keeps_the_file_it_goes_on_naming_and_the_old_one_keeps_its_own(
    parts: RecordParts,
):
    chart = parts.charts.add()
    (written,) = await parts.write(document(chart))
    await parts.write(document(chart, description="第二版"))
    assert await lying(parts) == (1, 3)
    await parts.write(document(chart, OTHER))
    await parts.service.delete(HOSPITAL, written.id, a_message())
    basis = a_basis(chart)
    contents = []
    for number in (1, 2, 3):
        version = await parts.reader.version(basis, written.id, number)
        assert version is not None
        contents.append(await content_of(parts, version))
    assert contents == [LONG, LONG, OTHER]
    await pass_a_day(parts)
    assert await lying(parts) == (2, 5)


async def test_nobody_reaches_a_document_by_naming_it(parts: RecordParts):
    chart, other = parts.charts.add(), parts.charts.add()
    (written,) = await parts.write(document(chart))
    (name,) = names((await read(parts, chart, written.id)).body)
    digest, _, size = name.partition("/")

    def naming(owner: str, name: str, key: str) -> Incoming:
        sent = document(owner, b"", key)
        mark = {"extension": [{"url": MARK, "valueString": name}]}
        attachment = {"contentType": "application/pdf", "_data": mark}
        return replace(sent, body=sent.body | {"content": [{"attachment": attachment}]})

    # Another patient's, another resource of the same one's, and its own with another size.
    for wrong in (
        naming(other, name, "d"),
        naming(chart, name, "e"),
        naming(chart, f"{digest}/{int(size) - 1}", "d"),
    ):
        with pytest.raises(AppError) as refused:
            await parts.write(wrong)
        assert refused.value.code is ErrorCode.RESOURCE_INVALID
    assert len(await parts.documents()) == 1


async def test_what_a_dead_process_left_is_swept_and_nothing_else(
    parts: RecordParts, monkeypatch: pytest.MonkeyPatch
):
    chart = parts.charts.add()
    await parts.write(document(chart, OTHER, "kept"))

    async def dies(*_: object) -> bool:
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as broken:
        broken.setattr(ResourceStore, "commit", dies)
        with pytest.raises(ConnectionError):
            await parts.write(document(chart))
    assert await lying(parts) == (2, 5)
    await parts.files.sweep()
    assert await lying(parts) == (2, 5), "what has just come may still be named"
    (written,) = await parts.write(document(chart))
    assert await content_of(parts, await read(parts, chart, written.id)) == LONG
    await pass_a_day(parts)
    assert await lying(parts) == (2, 5)
    assert await content_of(parts, await read(parts, chart, written.id)) == LONG


async def test_of_many_who_write_the_same_at_once_one_file_stays(parts: RecordParts):
    chart, source = parts.charts.add(), a_message()
    written = await asyncio.gather(*(parts.write(document(chart), source=source) for _ in range(4)))
    assert sorted(str(one.outcome) for (one,) in written) == ["created", *["unchanged"] * 3]
    await pass_a_day(parts)
    assert await lying(parts) == (1, 3)
    assert await content_of(parts, await read(parts, chart, written[0][0].id)) == LONG


async def test_a_file_that_is_being_swept_is_named_by_nobody(
    parts: RecordParts, monkeypatch: pytest.MonkeyPatch
):
    chart, commit = parts.charts.add(), ResourceStore.commit

    async def held_up(
        store: ResourceStore, changes: Sequence[Change], at: datetime, along: Sequence[Along] = ()
    ) -> bool:
        await pass_a_day(parts)
        return await commit(store, changes, at, along)

    monkeypatch.setattr(ResourceStore, "commit", held_up)
    with pytest.raises(AppError) as refused:
        await parts.write(document(chart))
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert await parts.documents() == []
    monkeypatch.undo()
    (written,) = await parts.write(document(chart))
    assert await content_of(parts, await read(parts, chart, written.id)) == LONG


async def test_a_batch_brings_no_more_than_a_message_can(parts: RecordParts, monkeypatch: pytest.MonkeyPatch):
    chart = parts.charts.add()
    monkeypatch.setattr(bodies, "LARGEST_FILES", 2 * len(OTHER) - 1)
    with pytest.raises(AppError) as refused:
        await parts.write(document(chart, OTHER, "a"), document(chart, OTHER + b"!", "b"))
    assert refused.value.code is ErrorCode.BODY_TOO_LARGE
    assert await lying(parts) == (0, 0)


async def test_a_lost_piece_is_no_shorter_document(parts: RecordParts):
    chart = parts.charts.add()
    (written,) = await parts.write(document(chart))
    found = await read(parts, chart, written.id)
    await parts.db.collection("blob_pieces").delete_one({"number": 2})
    with pytest.raises(AppError) as refused:
        await content_of(parts, found)
    assert refused.value.code is ErrorCode.UNAVAILABLE
