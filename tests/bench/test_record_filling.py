"""The benchmark's store of records is what writing would have made of the same messages."""

from __future__ import annotations

from typing import Any

from backend.db.client import Database, Document
from backend.records.documents import Documents
from bench.record_filling import documents_of
from bench.record_people import charts_of, messages_of, report_of
from tests.factories.record_parts import KnownChart, RecordParts

# When something was written is not what was written.
WHEN = ("created_at", "updated_at", "events", "events_due", "body")


async def test_filling_makes_the_very_documents_that_writing_makes(db: Database):
    parts = RecordParts(db)
    documents = Documents(parts.cipher, parts.blind, "resources", "resource_versions")

    def plain(doc: Document) -> Document:
        kept = {name: value for name, value in doc.items() if name not in WHEN}
        return kept | {"body": parts.cipher.open("resources", "body", doc["_id"], doc["body"])}

    made: dict[str, Any] = {}
    for person in range(4):
        for message in messages_of(person):
            for chart in charts_of(person):
                organization_id = message.organization_id
                parts.charts.charts[chart] = KnownChart(chart, organization_id, chart)
            await parts.write(*message.batch, source=message.source, by=message.organization_id)
            made |= {doc["_id"]: plain(doc) for doc in documents_of(documents, message)}
    assert {doc["_id"]: plain(doc) for doc in await parts.documents()} == made
    assert len(made) > 20


def test_some_people_have_been_here_hundreds_of_times_and_everybody_is_always_the_same():
    visits = [sum(1 for _ in messages_of(person)) for person in range(300)]
    assert sorted(visits)[150] <= 5
    assert max(visits) >= 150
    assert list(messages_of(5)) == list(messages_of(5))
    assert len(report_of(charts_of(1)[0], "k")) == 31
