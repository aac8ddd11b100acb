"""`healthycity keys`: rotating, following up, dropping, and being reminded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.bootstrap import open_city
from backend.cli import main
from backend.commands.keys import old_keys
from backend.db.client import Database
from backend.permissions import SYSTEM, Role
from backend.security.key_file import dump_keys, parse_keys, write_private
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.staff.models import NewStaff

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    Keyring.generate(path)
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], keys: Path) -> Run:
    """The command in this process: exit code, and what it said."""

    def call(*arguments: str, **environment: str) -> tuple[int, str]:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        given = {"ENVIRONMENT": "test", "KEYS_FILE": str(keys), "COLUMNS": "200"} | environment
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["healthycity", "keys", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def let_time_pass(keys: Path, by: timedelta) -> None:
    older = tuple(
        replace(key, created_at=key.created_at - by, active_from_at=key.active_from_at - by)
        for key in parse_keys(keys.read_text(), None)
    )
    write_private(keys, dump_keys(older, None))


@pytest.fixture
async def staffed(db: Database, mongo_uri: str, keys: Path) -> Database:
    """A database with one sealed name in it."""
    settings = Settings(
        environment="test", mongodb_uri=SecretStr(mongo_uri), mongodb_database=db.name, keys_file=keys
    )
    city = await open_city(settings, process="test")
    await city.services.staff.add(SYSTEM, NewStaff("somebody", "周青", Role.AUDITOR, None))
    await city.close()
    return db


def test_a_key_is_announced_before_anybody_uses_it(run: Run, keys: Path):
    code, said = run("rotate", "field")
    assert (code, "field-2" in said, "keys reseal --status" in said) == (0, True, True)
    assert Keyring.from_file(keys).active("field").kid == "field-1"
    assert "announced" in run("list")[1]
    let_time_pass(keys, timedelta(seconds=11))
    assert Keyring.from_file(keys).active("field").kid == "field-2"
    listed = [line.split() for line in run("list")[1].splitlines() if " field " in line]
    assert ["retired" in line for line in listed] == [False, True]


def test_an_old_key_goes_once_nothing_needs_it(run: Run, keys: Path, staffed: Database, mongo_uri: str):
    where = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": staffed.name}
    code, said = run("drop", "field", "field-1", **where)
    assert (code, "rotate first" in said) == (1, True)
    run("rotate", "field")
    let_time_pass(keys, timedelta(days=1))
    code, said = run("drop", "field", "field-1", **where)
    assert (code, "1 documents need it (staff fields)" in said) == (1, True)
    code, said = run("reseal", "--status", **where)
    assert (code, "due" in said, "done" in said) == (0, True, False)
    code, said = run("reseal", **where)
    assert (code, "1 documents were made anew" in said, "due" in said) == (0, True, False)
    code, said = run("drop", "field", "field-1", **where)
    assert (code, "forgotten" in said) == (0, True)
    assert [key.kid for key in Keyring.from_file(keys).all("field")] == ["field-2"]
    assert run("drop", "field", "field-1", **where)[0] == 1


def test_a_key_there_is_not_is_said_in_a_sentence(run: Run, staffed: Database, mongo_uri: str):
    where = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": staffed.name}
    code, said = run("drop", "field", "field-9", **where)
    assert (code, "no key of that id" in said, "Traceback" in said) == (1, True, False)
    assert run("drop", "colour", "field-1", **where)[0] == 1


def test_the_authoritys_key_is_taken_from_a_file(run: Run, keys: Path, tmp_path: Path):
    root = tmp_path / "root.hex"
    root.write_text(bytes(range(16)).hex() + "\n")
    code, said = run("put", "national_root", str(root))
    assert (code, "national_root-2" in said, bytes(range(16)).hex() in said) == (0, True, False)
    assert Keyring.from_file(keys).active("national_root").secret == bytes(range(16))
    root.write_text("not a key")
    assert "holds no SM4 key" in run("put", "national_root", str(root))[1]
    assert "are made here" in run("put", "field", str(root))[1]


@pytest.mark.parametrize("command", [("rotate", "field"), ("drop", "field", "field-1")])
def test_a_ring_in_a_variable_is_not_changed(run: Run, keys: Path, command: tuple[str, ...]):
    code, said = run(*command, HC_KEYS=keys.read_text())
    assert (code, "HC_KEYS holds the ring" in said) == (1, True)


def test_keys_older_than_a_year_are_named(keys: Path):
    assert old_keys(Keyring.from_file(keys)) == []
    let_time_pass(keys, timedelta(days=366))
    ring = Keyring.from_file(keys)
    ring.rotate("token")
    sentences = old_keys(ring)
    assert any("field-1" in each and "healthycity keys rotate field" in each for each in sentences)
    assert not any("token" in each or "national" in each for each in sentences)


def test_check_warns_and_does_not_refuse_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], keys: Path
):
    let_time_pass(keys, timedelta(days=366))
    monkeypatch.setenv("KEYS_FILE", str(keys))
    monkeypatch.setattr(sys, "argv", ["healthycity", "check"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert "warning: field-1 has been in use since" in said
    problems = said.partition("problems:")[2]
    assert "has been in use since" not in problems
