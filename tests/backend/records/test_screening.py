"""PDFs and the level of what they hang on: closed until they are read, and as special as what they say."""

from __future__ import annotations

from typing import Any

import pytest

from backend.db.client import Database
from backend.records.apart import LARGE
from backend.records.models import Body, Incoming, Resource
from backend.records.screening import Screening
from backend.worker.confined import Confined
from backend.worker.events import Event
from tests.factories.papers import a_pdf, a_scan, in_base64, locked
from tests.factories.record_parts import HOSPITAL, RecordParts, a_basis, a_message, observation, report

HARMLESS = a_pdf("血常规报告：白细胞5.6，未见明显异常。")
TELLING = a_pdf("既往史：艾滋病，规律服药。")


class Desk(RecordParts):
    """The record, and what reads papers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.screening = Screening(self.store, self.service, self.files, Confined(1))

    async def is_open(self, id: str) -> bool:
        """Whether an ordinary basis covers it."""
        return await self._read(id, 4) is not None

    async def is_there(self, id: str) -> bool:
        """Whether the person himself finds it."""
        return await self._read(id, 5) is not None

    async def _read(self, id: str, level: int) -> Resource | None:
        return await self.reader.read(a_basis(id[:26], max_sensitivity=level), id)

    async def events(self) -> list[Event]:
        """The papers that wait to be read."""
        docs = await self.documents()
        found = [Event.from_doc(event) for doc in docs for event in doc.get("events", ())]
        return [event for event in found if event.kind == "record.papers_came"]

    async def work(self) -> None:
        """Read all that waits; twice, for a job may run twice."""
        for event in [*await self.events()] * 2:
            await self.screening.on_papers_came(event)
        await self.db.collection("resources").update_many({}, {"$set": {"events": []}})


@pytest.fixture
async def desk(db: Database) -> Any:
    made = Desk(db)
    yield made
    await made.screening.close()


def paper(content: bytes, kind: str = "application/pdf") -> Body:
    return {"contentType": kind, "data": in_base64(content)}


def letter(
    owner: str, content: bytes, key: str = "d", kind: str = "application/pdf", **more: Any
) -> Incoming:
    body: Body = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "出院小结"},
        "subject": {"reference": f"Patient/{owner}"},
        "content": [{"attachment": paper(content, kind)}],
    }
    return Incoming("DocumentReference", owner, body | more, key=key)


@pytest.mark.parametrize(
    ("content", "kind", "opens"),
    [
        (HARMLESS, "application/pdf", True),
        (a_scan(), "application/pdf", True),
        (TELLING, "application/pdf", False),
        (TELLING, "application/octet-stream", False),
        (locked(TELLING), "application/pdf", False),
        (b"%PDF-1.4", "application/pdf", False),
        (HARMLESS + b"\n" + b"%" * LARGE, "application/pdf", True),
        (TELLING + b"\n" + b"%" * LARGE, "application/pdf", False),
    ],
    ids=["words", "scan", "special", "other-type", "locked", "broken", "apart", "special-apart"],
)
async def test_a_document_is_closed_until_its_paper_is_read(
    desk: Desk, content: bytes, kind: str, opens: bool
):
    (written,) = await desk.write(letter(desk.charts.add(), content, kind=kind))
    assert not await desk.is_open(written.id)
    assert await desk.is_there(written.id)
    await desk.work()
    assert await desk.is_open(written.id) is opens
    assert await desk.is_there(written.id)


async def test_what_carries_no_paper_is_open_at_once_and_what_is_special_waits_for_nothing(desk: Desk):
    chart = desk.charts.add()
    plain, special = await desk.write(
        letter(chart, b"\x89PNG", "a", "image/png"), letter(chart, HARMLESS, "b", description="HIV随访")
    )
    assert await desk.is_open(plain.id)
    assert await desk.events() == []
    await desk.work()
    assert not await desk.is_open(special.id)


async def test_a_reports_paper_takes_its_results_along_only_when_it_says_something(desk: Desk):
    chart = desk.charts.add()
    for content, opens in ((locked(HARMLESS), True), (TELLING, False)):
        (result,) = await desk.write(observation(chart, f"o{opens}"))
        found = [{"reference": f"Observation/{result.id}"}]
        (said,) = await desk.write(report(chart, f"r{opens}", result=found, presentedForm=[paper(content)]))
        assert await desk.is_open(result.id), "what is not known yet closes nothing else"
        await desk.work()
        assert await desk.is_open(result.id) is opens
        assert not await desk.is_open(said.id)


async def test_each_version_is_read_anew_and_what_was_found_of_an_older_one_opens_nothing(desk: Desk):
    chart = desk.charts.add()
    (written,) = await desk.write(letter(chart, HARMLESS))
    (old,) = await desk.events()
    await desk.write(letter(chart, TELLING))
    resource = await desk.store.for_bookkeeping(written.id)
    assert resource is not None
    await desk.store.settle(written.id, resource.version - 1)
    assert not await desk.is_open(written.id)
    await desk.screening.on_papers_came(old)
    assert not await desk.is_open(written.id)
    await desk.write(letter(chart, HARMLESS))
    await desk.work()
    assert await desk.is_open(written.id)
    await desk.service.delete(HOSPITAL, written.id, a_message())
    await desk.screening.on_papers_came(old)


async def test_what_a_report_has_closed_meanwhile_is_not_opened_by_its_harmless_paper(desk: Desk):
    chart = desk.charts.add()
    (binary,) = await desk.write(Incoming("Binary", chart, {"resourceType": "Binary", **paper(HARMLESS)}))
    form = {"contentType": "application/pdf", "url": f"Binary/{binary.id}"}
    await desk.write(report(chart, "r", code={"text": "HIV抗体"}, presentedForm=[form]))
    await desk.work()
    assert not await desk.is_open(binary.id)


async def test_papers_of_before_are_read_behind_what_comes_and_stay_open_meanwhile(desk: Desk):
    chart = desk.charts.add()
    harmless, telling, broken = await desk.write(
        letter(chart, HARMLESS, "a"), letter(chart, TELLING, "b"), letter(chart, b"%PDF-", "c")
    )

    resources = desk.db.collection("resources")
    before = {"rules": "3/old", "sensitivity": 4, "until_read": None, "events": []}
    await resources.update_many({}, {"$set": before})
    await desk.indexes.batch(None, 100)
    assert {event.priority for event in await desk.events()} == {9}
    assert len(await desk.events()) == 3
    assert await desk.is_open(harmless.id)
    assert await desk.is_open(telling.id)
    await desk.work()
    assert [await desk.is_open(each.id) for each in (harmless, telling, broken)] == [True, False, True]
    # And what is closed stays so when the rules change again.
    (late,) = await desk.write(letter(chart, b"%PDF-", "d"))
    await resources.update_many({}, {"$set": {"rules": "3/old", "events": []}})
    await desk.indexes.batch(None, 100)
    assert not await desk.is_open(late.id)
    assert not await desk.is_open(telling.id)
    assert {event.data["resource_id"] for event in await desk.events()} == {
        harmless.id, broken.id, late.id,
    }  # fmt: skip
