"""A real feed goes in, twice is as good as once, and a bad line keeps no good line out."""

from pathlib import Path

from tests.backend.imports.conftest import Importing

FEED = Path(__file__).parents[2] / "fixtures" / "smart-scheduling"


async def test_the_real_feed_goes_in(importing: Importing):
    report = await importing.imports.import_bulk_publish(FEED)
    assert report.to_dict()["by_kind"] == {
        "Location": {"created": 10, "updated": 0, "unchanged": 0},
        "Schedule": {"created": 10, "updated": 0, "unchanged": 0},
        "Slot": {"created": 140, "updated": 0, "unchanged": 0},
    }
    assert report.places == 14_000
    assert [(problem.file, problem.line) for problem in report.problems] == [
        ("slots-2021-W11.ndjson", 0), ("slots-2021-W12.ndjson", 0), ("slots-2021-W13.ndjson", 0),
    ]  # fmt: skip
