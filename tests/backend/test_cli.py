"""The command line: help for everything, one sentence for what cannot be done, exit codes."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from backend.cli import app
from backend.db.client import Database
from tests.support.commands import Run, run_apart

COMMANDS = (
    "demo", "serve", "worker", "beat", "mllp", "migrate", "seed", "check", "openapi", "journey",
    "keys generate", "keys list", "keys rotate", "keys wrap", "keys put", "keys reseal", "keys drop",
    "staff add", "staff code", "hospital add", "client list", "client new-secret",
    "client deactivate", "resident restore-phone", "import bulk-publish", "fhir load", "audit verify", "chat",
    "wechat-menu push", "statistics recount", "statistics backfill", "statistics publish",
)  # fmt: skip


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    """Every command by its full name."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = isinstance(command, TyperGroup)
        found |= commands(command, f"{prefix}{name} ") if inner else {prefix + name: command}
    return found


def test_every_command_of_the_list_exists_and_no_other():
    assert set(commands(get_command(app))) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_what_each_option_is_for(name: str):
    command = commands(get_command(app))[name]
    assert command.help
    assert all(parameter.help for parameter in command.params)


def test_help_needs_no_settings(run: Run):
    done = run("--help")
    assert done.returncode == 0
    assert "健康城市" in done.stdout
    assert run("keys", "rotate", "--help").returncode == 0


def test_a_wrong_option_is_wrong_usage(run: Run):
    assert run("serve", "--colour", "red").returncode == 2


def test_check_lists_every_problem_of_a_production_configuration_at_once(run: Run):
    done = run("check", ENVIRONMENT="production", MONGODB_URI="mongodb://db.internal/?replicaSet=city")
    assert done.returncode == 1
    assert "problems:" in done.stderr
    for word in (
        "BROKER_URL is missing",
        "WECHAT_PAY_API_V3_KEY is missing",
        "PUBLIC_URL must begin with https",
        "key ring",
    ):
        assert word in done.stderr
    assert "MONGODB_URI is missing" not in done.stderr


def test_check_never_repeats_the_value_of_a_setting(run: Run):
    done = run("check", WEB_PORT="hunter2-is-my-password")
    assert done.returncode == 1
    assert "WEB_PORT" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_serving_without_what_it_needs_is_refused_before_the_port_is_opened():
    done = run_apart("serve", ENVIRONMENT="demo")
    assert done.returncode == 1
    assert "MONGODB_URI is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_is_one_sentence(run: Run, keys_file: Path):
    uri = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"
    done = run("migrate", ENVIRONMENT="test", MONGODB_URI=uri, KEYS_FILE=str(keys_file))
    assert done.returncode == 1
    assert done.stderr.startswith("error: MongoDB cannot be reached at MONGODB_URI")


def test_migrating_twice_does_nothing_the_second_time(
    run: Run, mongo_uri: str, bare_db: Database, keys_file: Path
):
    settings = {
        "ENVIRONMENT": "test",
        "MONGODB_URI": mongo_uri,
        "MONGODB_DATABASE": bare_db.name,
        "KEYS_FILE": str(keys_file),
    }
    first, second = run("migrate", **settings), run("migrate", **settings)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "migrations ran" in first.stdout
    assert "Nothing to do" in second.stdout
    recount = run("statistics", "recount", "--from", "2026-01-30", "--to", "2026-01-31", **settings)
    assert "2 days: every counter says" in recount.stdout, recount.stderr
    backwards = run("statistics", "recount", "--from", "2026-01-31", "--to", "2026-01-30", **settings)
    assert (backwards.returncode, "not be after" in backwards.stderr) == (1, True)
    assert "0 of 1 days are done" in run("statistics", "backfill", **settings).stdout
    assert "0 editions were published" in run("statistics", "publish", **settings).stdout


def test_keys_are_made_once_rotated_and_listed_without_their_secrets(run: Run, tmp_path: Path):
    ring = tmp_path / "keys.json"
    assert run("keys", "generate", str(ring)).returncode == 0
    again = run("keys", "generate", str(ring))
    assert again.returncode == 1
    assert "never overwritten" in again.stderr
    rotated = run("keys", "rotate", "token", KEYS_FILE=str(ring))
    assert "token-2" in rotated.stdout
    listed = run("keys", "list", KEYS_FILE=str(ring))
    assert "token-1" in listed.stdout
    assert "token-2" in listed.stdout
    assert not any(secret in listed.stdout for secret in _secrets(ring))


def _secrets(ring: Path) -> list[str]:
    return [line.split('"')[3] for line in ring.read_text().splitlines() if '"secret"' in line]


def test_a_ring_in_a_variable_is_not_said_to_have_been_rotated(run: Run, tmp_path: Path):
    ring = tmp_path / "keys.json"
    run("keys", "generate", str(ring))
    done = run("keys", "rotate", "token", HC_KEYS=ring.read_text())
    assert done.returncode == 1
    assert "KEYS_FILE" in done.stderr


def test_an_unknown_use_of_a_key_names_the_known_ones(run: Run, tmp_path: Path):
    ring = str(tmp_path / "keys.json")
    run("keys", "generate", ring)
    done = run("keys", "rotate", "tokn", KEYS_FILE=ring)
    assert done.returncode == 1
    assert "token, code" in done.stderr


def test_a_journey_without_a_city_says_how_to_get_one(run: Run, tmp_path: Path):
    done = run("journey", "--city-file", str(tmp_path / "city.json"))
    assert done.returncode == 1
    assert "make demo" in done.stderr


def test_a_demo_login_gets_its_one_time_code(run: Run, tmp_path: Path):
    file = tmp_path / "city.json"
    file.write_text('{"staff": [{"login": "city", "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}]}')
    assert re.fullmatch(r"\d{6}\n", run("staff", "code", "city", "--city-file", str(file)).stdout)
    unknown = run("staff", "code", "nobody", "--city-file", str(file))
    assert unknown.returncode == 1
    assert "there are city" in unknown.stderr


@pytest.mark.parametrize("role", ["resident", "boss"])
def test_staff_cannot_be_given_a_role_that_is_none_of_theirs(run: Run, role: str):
    done = run("staff", "add", "wang", "--name", "王", "--role", role)
    assert done.returncode == 1
    assert "city_operator" in done.stderr


def test_openapi_is_written_without_anything_running(run: Run, tmp_path: Path):
    file = tmp_path / "openapi.json"
    done = run("openapi", str(file))
    assert done.returncode == 0, done.stderr
    assert '"openapi": "3.1' in file.read_text()
