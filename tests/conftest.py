"""Fixtures of every test.

mongo_uri   a MongoDB replica set for the run (MONGODB_URI, else an embedded one)
redis_url   a Redis for the run (REDIS_URL, else an embedded one)
keys_file   a key ring
databases   migrated, empty databases to borrow, for a test or for a module: databases.lend()
db          one of them; what a test leaves in it is removed
city        the composition root opened on `db`: every service, no process (nothing outside is reached)
surroundings  the sandbox and what else all whole cities of a run share; see tests/support/city.py
run         the healthycity command: run("keys", "list", KEYS_FILE=...)
bare_db     a database without anything, not even migrations; dropped afterwards
            (for what migrates, or is killed in a transaction, whose locks outlive it by a minute)

Waiting is `tests.support.polling.poll`. Nothing but loopback can be reached.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.security.keys import Keyring
from backend.settings import Settings
from tests.support.city import Surroundings, open_surroundings
from tests.support.commands import Run, runner
from tests.support.databases import Shelf, open_database
from tests.support.network import block_outside_world
from tests.support.quick import hash_quickly, read_merchant_keys_once, trust_one_authority
from tests.support.servers import TestServers

# How long an example takes only says how busy the machine is. One that fails is printed, to be run again.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("suite")

SERVERS = pytest.StashKey[TestServers]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[SERVERS] = TestServers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: the run's owner starts the servers once and tells each worker where they are."""
    servers = node.config.stash[SERVERS]
    node.workerinput["mongo_uri"] = servers.mongo_uri()
    node.workerinput["redis_url"] = servers.redis_url()


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVERS in config.stash:
        config.stash[SERVERS].stop()


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        block_outside_world(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        hash_quickly(patch)
        trust_one_authority(patch, tmp_path_factory.mktemp("authority"))
        read_merchant_keys_once(patch)
        yield


@pytest.fixture(scope="session")
def mongo_uri(pytestconfig: pytest.Config) -> str:
    given = getattr(pytestconfig, "workerinput", {}).get("mongo_uri")
    return given or pytestconfig.stash[SERVERS].mongo_uri()


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    given = getattr(pytestconfig, "workerinput", {}).get("redis_url")
    return given or pytestconfig.stash[SERVERS].redis_url()


@pytest.fixture(scope="session")
async def databases(mongo_uri: str) -> AsyncIterator[Shelf]:
    shelf = Shelf(mongo_uri, _name("test"))
    yield shelf
    await shelf.close()


@pytest.fixture
async def db(databases: Shelf) -> AsyncIterator[Database]:
    async with databases.lend() as database:
        yield database


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    Keyring.generate(path)
    return path


@pytest.fixture
async def city(db: Database, mongo_uri: str, keys_file: Path) -> AsyncIterator[City]:
    opened = await open_city(
        Settings(
            environment="test",
            mongodb_uri=SecretStr(mongo_uri),
            mongodb_database=db.name,
            keys_file=keys_file,
        ),
        process="test",
    )
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def surroundings() -> AsyncIterator[Surroundings]:
    async with open_surroundings() as made:
        yield made


@pytest.fixture
async def bare_db(mongo_uri: str) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, _name("bare")) as database:
        yield database


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)


def _name(kind: str) -> str:
    return f"{kind}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
