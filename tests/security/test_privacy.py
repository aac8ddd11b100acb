"""After a whole life in the city nothing anywhere says who somebody is, or lets anybody in.

Looked through are the database with its outbox, journals and audit, its history of every write, Redis, the
log, the addresses people are sent to, the errors they get and the console's pages.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from backend.logs import NOISY, JSONFormatter
from tests.security.leaks import Scan, dump, dump_redis, history, history_begins
from tests.security.life import live
from tests.security.people import Life
from tests.security.town import open_own_city
from tests.support.city import Surroundings
from tests.support.databases import Shelf

# One life is enough, and it is a long one.
pytestmark = pytest.mark.xdist_group("privacy")


class Overheard(logging.Handler):
    """The log, as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JSONFormatter("test"))
        self.text = b""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record).encode() + b"\n"


# With more than a hundred random bits: a plain hash of these says nothing.
RANDOM = ("access token", "refresh token", "browser cookie", "session cookie", "half session", "login ticket",
          "ticket", "state", "client secret", "health code", "wall link")  # fmt: skip
# What even a whole life leaves empty. None of it is about people, but the way that somebody was referred,
# which goes with the account: what stood there is in the history.
EMPTY = {
    "audit_anchors",
    "billing_differences",
    "import_feeds",
    "open_data_editions",
    "practitioners",
    "referral_limits",
    "referral_ways",
    "resealing",
    "statistics_reports",
}


@dataclass
class Traces:
    """What a life has left."""

    life: Life
    scan: Scan
    documents: dict[str, bytes]
    history: bytes
    redis: dict[str, bytes]
    log: bytes


@pytest.fixture(scope="module")
async def traces(
    mongo_uri: str, redis_url: str, surroundings: Surroundings, databases: Shelf
) -> AsyncIterator[Traces]:
    overheard, root = Overheard(), logging.getLogger()
    before = root.level
    async with (
        Redis.from_url(redis_url) as redis,
        open_own_city(surroundings, mongo_uri, databases, redis_url=SecretStr(redis_url)) as city,
    ):
        db = city.city.db
        since = await history_begins(db)
        root.addHandler(overheard)
        root.setLevel(logging.INFO)
        quiet = {name: logging.getLogger(name).level for name in NOISY}
        for name in quiet:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            life = await live(city)
        finally:
            root.removeHandler(overheard)
            for name, level in (quiet | {"": before}).items():
                logging.getLogger(name).setLevel(level)
        documents, written = await dump(db), await history(db, since)
        scan = Scan(life.secrets, [label for label in life.secrets if label.partition(" #")[0] in RANDOM])
        yield Traces(life, scan, documents, written, await dump_redis(redis), overheard.text)


def test_the_life_was_a_whole_one(traces: Traces) -> None:
    """Every collection that a city has got something, or the look through it would mean nothing."""
    empty = {name for name, content in traces.documents.items() if not content}
    assert empty <= EMPTY, ", ".join(sorted(empty - EMPTY))
    assert len(traces.history) > sum(map(len, traces.documents.values()))
    assert traces.redis
    assert b'"event"' in traces.log
    assert len(traces.life.secrets) > 60
    assert all(traces.life.secrets.values())


def test_no_document_says_who_somebody_is_or_lets_anybody_in(traces: Traces) -> None:
    found = [
        leak for name, content in traces.documents.items() for leak in traces.scan.found_in(name, content)
    ]
    assert not found, sorted(found)


def test_no_write_ever_said_it(traces: Traces) -> None:
    found = traces.scan.found_in("the history", traces.history)
    assert not found, sorted(found)


def test_redis_does_not_say_it(traces: Traces) -> None:
    found = [leak for name, content in traces.redis.items() for leak in traces.scan.found_in(name, content)]
    assert not found, sorted(found)


def test_the_log_does_not_say_it(traces: Traces) -> None:
    found = traces.scan.found_in("the log", traces.log)
    assert not found, sorted(found)


def test_no_error_and_no_page_of_the_console_says_it(traces: Traces) -> None:
    found: list[str] = []
    for url, answer in traces.life.answers:
        if answer.status_code >= 400 or "/admin" in url:
            found += traces.scan.found_in(url, answer.content)
    # The log-in box shows again what was typed into it; an appointment's page says why it was cancelled.
    found = [leak for leak in found if not leak.startswith("what was typed")]
    found = [leak for leak in found if not (leak.startswith("reason") and "/admin/appointments/" in leak)]
    assert not found, sorted(found)


def test_no_address_says_it(traces: Traces) -> None:
    """Neither those people are sent to nor those that pages link to; tickets in them were good for once."""
    personal = Scan(
        {
            label: text
            for label, text in traces.life.secrets.items()
            if label.split(" #")[0] not in ("ticket", "state", "oauth code")
        }
    )
    told: dict[str, set[str]] = {}
    for url, answer in traces.life.answers:
        links = re.findall(r'(?:href|action|src)="([^"]*)"', answer.text) if "/admin" in url else []
        for address in [answer.headers.get("Location", ""), *links]:
            told.setdefault(address, set()).add(url)
        if "callbacks" not in url:
            told.setdefault(url, set()).add("(called)")
    found = {
        (leak, *sorted(where))
        for address, where in told.items()
        for leak in personal.found_in(address, address.encode())
    }
    assert not found, sorted(found)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.encode(),
        lambda text: text.lower().encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode().hex().encode(),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
        lambda text: base64.urlsafe_b64encode(b"xy" + text.encode()),
        lambda text: hashlib.sha256(text.encode()).digest(),
        lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().encode(),
        lambda text: hashlib.new("sha1", text.encode(), usedforsecurity=False).hexdigest().upper().encode(),
    ],
)
def test_the_scan_finds_what_it_looks_for(form) -> None:
    for text in ("11010519491231002X", "欧阳翡翠", "13711220001"):
        assert Scan({"it": text}).found_in("there", b"\x00before" + form(text) + b"after"), text


def test_the_scan_finds_a_short_code_standing_alone() -> None:
    assert Scan({"code": "246810"}).found_in("there", b"your code: 246810.")
    assert not Scan({"code": "246810"}).found_in("there", b"at 1246810555")
