"""Many dialogues open at once: they lie in the database, and cost a process nothing while they wait."""

from backend.db.client import Database
from bench.dialogues import hold_open
from tests.support.city import Surroundings, open_test_city

TALKS = 300
# Ten thousand stay below this too (docs/performance.md); what is kept per talk would show with few already.
GROWN_MB = 40


async def test_open_dialogues_are_kept_by_the_database_and_not_by_the_process(
    surroundings: Surroundings, mongo_uri: str, db: Database
):
    async with open_test_city(surroundings, mongo_uri, db) as town:
        held = await hold_open(town.city.services.bots.engine, TALKS, ["我要预约"])
        waiting = await db.collection("conversations").count_documents({"run.state": "waiting"})
        assert held.answered == TALKS
        assert waiting >= TALKS
        assert held.grown_mb < GROWN_MB
