"""A feed read over HTTP: copies, refusals, and files that have not changed."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from backend.directory.models import Outcome
from backend.imports.models import FeedError
from tests.backend.imports.conftest import Importing
from tests.backend.imports.feeds import a_location, a_slot, line, write_feed

FEED = Path(__file__).parents[2] / "fixtures" / "smart-scheduling"


@dataclass
class Publisher:
    """A static web server for a folder, as publishers use."""

    folder: Path
    url: str = ""
    served: list[tuple[str, int]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    @property
    def manifest(self) -> str:
        return f"{self.url}/data/$bulk-publish"

    def taken(self) -> list[tuple[str, int]]:
        served, self.served = self.served, []
        return served


class Static(RequestHandler):
    """Files with ETags."""

    def initialize(self, publisher: Publisher) -> None:
        self.publisher = publisher

    def compute_etag(self) -> None:
        return None

    def get(self, name: str) -> None:
        path = self.publisher.folder / name
        status = 500 if name in self.publisher.broken else 200 if path.is_file() else 404
        if status == 200:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            self.set_header("ETag", etag)
            status = 304 if self.request.headers.get("If-None-Match") == etag else 200
            if status == 200:
                self.write(content)
        self.set_status(status)
        self.publisher.served.append((name, status))


@pytest.fixture
async def publisher(tmp_path: Path) -> AsyncIterator[Publisher]:
    made = Publisher(tmp_path / "feed")
    sockets = bind_sockets(0, "127.0.0.1")
    made.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    routes = [(r"/data/(.*)", Static, {"publisher": made})]
    server = HTTPServer(Application(routes, log_function=lambda _handler: None))
    server.add_sockets(sockets)
    yield made
    server.stop()
    await server.close_all_connections()


async def test_a_copy_of_the_feed_is_read_beside_its_manifest(importing: Importing, publisher: Publisher):
    publisher.folder = FEED
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.outcomes["Slot"] == {Outcome.CREATED: 140}
    assert [(p.file, p.reason) for p in report.problems] == [
        (f"slots-2021-W{week}.ndjson", "it cannot be fetched: HTTP 404") for week in (11, 12, 13)
    ]
    # The same feed from a folder is the same feed.
    again = await importing.imports.import_bulk_publish(FEED)
    assert (again.created, again.unchanged) == (0, 160)


async def test_an_unchanged_file_is_not_read_again(importing: Importing, publisher: Publisher):
    write_feed(publisher.folder, [a_slot("1")], base=f"{publisher.url}/data")
    await importing.imports.import_bulk_publish(publisher.manifest)
    publisher.taken()
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.not_modified == ["slots.ndjson"]
    assert ("slots.ndjson", 304) in publisher.taken()
    (publisher.folder / "slots.ndjson").write_text(line(a_slot("1")) + "\n" + line(a_slot("2")))
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.outcomes["Slot"] == {Outcome.UNCHANGED: 1, Outcome.CREATED: 1}
    assert (await importing.imports.import_bulk_publish(publisher.manifest)).not_modified == ["slots.ndjson"]


async def test_slots_are_read_again_when_what_they_hang_on_has_changed(
    importing: Importing, publisher: Publisher
):
    base = f"{publisher.url}/data"
    write_feed(publisher.folder, [a_slot("1")], base=base)
    await importing.imports.import_bulk_publish(publisher.manifest)
    write_feed(publisher.folder, [a_slot("1")], base=base, locations=[a_location(name="Another name")])
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.not_modified == []
    assert report.outcomes["Location"] == {Outcome.UPDATED: 1}


async def test_a_file_with_problems_is_read_again_so_that_they_are_told_again(
    importing: Importing, publisher: Publisher
):
    write_feed(publisher.folder, [a_slot("1"), "junk"], base=f"{publisher.url}/data")
    for _ in range(2):
        report = await importing.imports.import_bulk_publish(publisher.manifest)
        assert report.not_modified == []
        assert len(report.problems) == 1


async def test_the_manifest_may_be_asked_for_by_its_folder(importing: Importing, publisher: Publisher):
    write_feed(publisher.folder, [a_slot("1")], base="https://elsewhere.example.org/x")
    report = await importing.imports.import_bulk_publish(f"{publisher.url}/data/")
    assert report.outcomes["Slot"] == {Outcome.CREATED: 1}


async def test_addresses_may_be_relative(importing: Importing, publisher: Publisher):
    folder = write_feed(publisher.folder, [a_slot("1")])
    output = [{"type": kind, "url": f"{kind.lower()}s.ndjson"} for kind in ("Location", "Schedule", "Slot")]
    (folder / "$bulk-publish").write_text(json.dumps({"output": output}))
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.outcomes["Slot"] == {Outcome.CREATED: 1}


async def test_a_server_in_trouble_is_a_problem_of_that_file_only(importing: Importing, publisher: Publisher):
    write_feed(publisher.folder, [a_slot("1")], base=f"{publisher.url}/data")
    publisher.broken = {"slots.ndjson"}
    report = await importing.imports.import_bulk_publish(publisher.manifest)
    assert report.outcomes["Schedule"] == {Outcome.CREATED: 1}
    assert [(p.file, p.reason) for p in report.problems] == [
        ("slots.ndjson", "it cannot be fetched: HTTP 500")
    ]


async def test_without_a_server_there_is_one_sentence(importing: Importing, publisher: Publisher):
    with pytest.raises(FeedError, match="HTTP 404"):
        await importing.imports.import_bulk_publish(f"{publisher.url}/nothing/$bulk-publish")
    with pytest.raises(FeedError, match="cannot be fetched"):
        await importing.imports.import_bulk_publish("http://127.0.0.1:1/$bulk-publish")
