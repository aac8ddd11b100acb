"""The embedded servers keep data over a restart and say what is missing."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from backend.demo import embedded
from backend.demo.embedded import EmbeddedServer, start_mongod, start_redis
from backend.demo.errors import DemoError
from backend.demo.leash import free_port


def connect(server: EmbeddedServer) -> MongoClient[dict[str, Any]]:
    return MongoClient(server.url)


def test_a_second_start_on_another_port_keeps_the_data(tmp_path: Path):
    first = start_mongod(tmp_path / "data", tmp_path / "log", cache_gb=0.25)
    with connect(first) as client:
        client.city.things.insert_one({"_id": "kept"})
    first.stop()
    second = start_mongod(tmp_path / "data", tmp_path / "log", cache_gb=0.25)
    try:
        assert second.url != first.url
        with connect(second) as client:
            assert client.city.things.find_one() == {"_id": "kept"}
    finally:
        second.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path):
    taken = start_mongod(tmp_path / "data", tmp_path / "first.log", cache_gb=0.25)
    try:
        with pytest.raises(DemoError, match=r"MongoDB did not start: .*lock.*second\.log"):
            start_mongod(tmp_path / "data", tmp_path / "second.log", cache_gb=0.25)
    finally:
        taken.stop()


@pytest.mark.parametrize(("start", "setting"), [(start_mongod, "MONGODB_URI"), (start_redis, "BROKER_URL")])
def test_a_platform_without_the_server_is_told_the_setting(start, setting, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(embedded, "_packaged", lambda *_: None)
    with pytest.raises(DemoError, match=setting):
        start(tmp_path / "data", tmp_path / "log")


def test_a_server_that_lacks_a_library_says_which(tmp_path: Path, monkeypatch):
    # What the dynamic loader says where OpenSSL 3 is missing.
    broken = tmp_path / "mongod"
    broken.write_text(
        "#!/bin/sh\necho 'error while loading shared libraries: libcrypto.so.3' >&2\nexit 127\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(embedded, "mongod_binary", lambda: broken)
    with pytest.raises(DemoError, match=r"libcrypto\.so\.3 .*MONGODB_URI"):
        start_mongod(tmp_path / "data", tmp_path / "log")


@pytest.mark.parametrize("start", [start_mongod, start_redis])
def test_a_port_taken_in_the_last_moment_is_exchanged_for_another(start, tmp_path: Path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr(embedded, "free_port", lambda: next(ports))
        server = start(tmp_path / "data", tmp_path / "log")
    try:
        assert not list(ports)
    finally:
        server.stop()
