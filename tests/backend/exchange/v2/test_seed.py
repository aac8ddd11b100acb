"""The demo's own messages: taken like a hospital's, once."""

from __future__ import annotations

from backend.bootstrap import City
from backend.ids import new_id
from backend.seed.messages import seed_messages
from backend.seed.residents import demo_families


async def test_a_demo_hospital_has_sent_results_and_a_mistake_once(city: City) -> None:
    hospital, father = new_id(), demo_families()[0].father
    await seed_messages(city, hospital, [father])
    await seed_messages(city, hospital, [father])

    messages, resources = city.db.collection("hl7_messages"), city.db.collection("resources")
    assert await messages.count_documents({"state": "done"}) == 7
    assert await messages.count_documents({"state": "dead"}) == 1
    for type_, count in (("DiagnosticReport", 3), ("Encounter", 3), ("Binary", 3), ("AllergyIntolerance", 1)):
        assert await resources.count_documents({"type": type_}) == count, type_
