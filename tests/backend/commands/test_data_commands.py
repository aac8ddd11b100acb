"""Commands that work on a city's data: accounts, hospitals, imports, the audit log."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.commands.city import in_city
from backend.db.client import Database
from backend.settings import load_settings
from tests.support.commands import Done, Run

FEED = Path(__file__).parents[2] / "fixtures" / "smart-scheduling"

InCity = Callable[..., Done]


@pytest.fixture
def run_in_city(run: Run, db: Database, mongo_uri: str, keys_file: Path) -> InCity:
    """The command with the settings of the test's own city."""

    def call(*arguments: str) -> Done:
        settings = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": db.name, "KEYS_FILE": str(keys_file)}
        return run(*arguments, ENVIRONMENT="test", **settings)

    return call


def test_an_account_of_staff_gets_its_secrets_once(run_in_city: InCity):
    wanted = ("staff", "add", "lin", "--name", "林一诺", "--role", "auditor")
    done = run_in_city(*wanted)
    assert done.returncode == 0, done.stderr
    assert re.search(r"password +\S{12,}", done.stdout)
    assert re.search(r"TOTP secret +[A-Z2-7]{32}", done.stdout)
    again = run_in_city(*wanted)
    assert again.returncode == 1
    assert again.stderr.startswith("error: LOGIN_TAKEN")


def test_a_hospital_that_is_added_twice_is_one(run_in_city: InCity):
    wanted = ("hospital", "add", "H001", "--name", "健康城第九医院", "--level", "32")
    first, second = run_in_city(*wanted), run_in_city(*wanted)
    assert first.returncode == 0, first.stderr
    assert _line(first, "organisation") == _line(second, "organisation")
    assert _line(first, "client secret") != _line(second, "client secret")


def _line(done: Done, label: str) -> str:
    return next(line for line in done.stdout.splitlines() if line.startswith(label))


def test_a_hospital_of_an_unknown_kind_is_refused(run_in_city: InCity):
    done = run_in_city("hospital", "add", "H001", "--name", "某医院", "--kind", "spa")
    assert done.returncode == 1
    assert "'spa' is not a valid" in done.stderr


def test_a_phone_is_given_back_only_to_an_account_that_there_is(run_in_city: InCity):
    wanted = (
        "--id-number",
        "370702198503120018",
        "--phone",
        "13900000003",
        "--reason",
        "card seen at window 3",
    )
    done = run_in_city("resident", "restore-phone", *wanted)
    assert done.returncode == 1
    assert done.stderr.startswith("error: NOT_FOUND")
    assert "370702" not in done.stderr + done.stdout


def test_a_feed_goes_in_and_again_changes_nothing(run_in_city: InCity):
    first = run_in_city("import", "bulk-publish", str(FEED))
    assert first.returncode == 0, first.stderr
    assert re.match(r"\d+ created, 0 updated, 0 unchanged; 14000 places", first.stdout)
    # Files the manifest names and the folder lacks are said with their names.
    assert "slots-2021-W11.ndjson" in first.stderr
    second = run_in_city("import", "bulk-publish", str(FEED))
    assert second.stdout.startswith("0 created, 0 updated, ")


def test_a_strict_import_fails_when_a_line_did_not_go_in(run_in_city: InCity):
    done = run_in_city("import", "bulk-publish", "--strict", str(FEED))
    assert done.returncode == 1
    assert "lines did not go in" in done.stderr


def test_a_feed_that_is_not_there_is_one_sentence(run_in_city: InCity, tmp_path: Path):
    done = run_in_city("import", "bulk-publish", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_wrong_date_is_one_sentence(run_in_city: InCity):
    done = run_in_city("import", "bulk-publish", str(FEED), "--start-on", "tomorrow")
    assert done.returncode == 1
    assert "tomorrow is no date" in done.stderr


def test_the_audit_log_is_whole_until_somebody_changes_it(run_in_city: InCity):
    run_in_city("staff", "add", "pei", "--name", "裴正明", "--role", "auditor")
    whole = run_in_city("audit", "verify")
    assert whole.returncode == 0, whole.stderr
    assert "the chain is whole" in whole.stdout
    in_city(
        lambda city: city.db.collection("audit").update_one({}, {"$set": {"actor_id": "somebody else"}}),
        load_settings(),
    )
    broken = run_in_city("audit", "verify")
    assert broken.returncode == 1


def test_seeding_production_is_refused(run: Run):
    done = run("seed", ENVIRONMENT="production", MONGODB_URI="mongodb://db.internal/?replicaSet=city")
    assert done.returncode == 1
    assert "made-up residents have no place there" in done.stderr


def test_seeding_without_a_sandbox_is_one_sentence(run: Run, db: Database, mongo_uri: str, keys_file: Path):
    settings = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": db.name, "KEYS_FILE": str(keys_file)}
    done = run("seed", "--sandbox-url", "http://127.0.0.1:9", ENVIRONMENT="test", **settings)
    assert done.returncode == 1
    assert done.stderr == "error: The sandbox cannot be reached at http://127.0.0.1:9: ConnectError.\n"


def test_a_clients_secret_is_replaced_and_the_client_shut_out(run_in_city: InCity):
    added = run_in_city("hospital", "add", "H001", "--name", "健康城第九医院")
    client_id = _line(added, "client id").split()[-1]
    listed = run_in_city("client", "list", "--hospital", _line(added, "organisation").split()[-1])
    assert client_id in listed.stdout
    assert "active" in listed.stdout
    made = run_in_city("client", "new-secret", client_id, "--reason", "yearly")
    assert made.returncode == 0, made.stderr
    secret = _line(made, "client secret").split()[2]
    assert secret not in _line(added, "client secret")
    assert secret not in run_in_city("client", "list").stdout
    kept = run_in_city("client", "new-secret", client_id, "--reason", "yearly", "--keep-old")
    assert "7 more days" in kept.stdout
    unsure = run_in_city("client", "deactivate", client_id, "--reason", "lost")
    assert unsure.returncode == 1
    assert "--yes" in unsure.stderr
    done = run_in_city("client", "deactivate", client_id, "--reason", "lost", "--yes")
    assert done.returncode == 0, done.stderr
    assert "shut out" in run_in_city("client", "list").stdout
    again = run_in_city("client", "new-secret", client_id, "--reason", "yearly")
    assert again.stderr.startswith("error: CONFLICT")


def test_a_client_that_is_not_there_is_said_so(run_in_city: InCity):
    done = run_in_city("client", "deactivate", "nobody", "--reason", "lost", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("error: NOT_FOUND")


def test_locations_that_are_known_hospitals_go_to_them(run_in_city: InCity, tmp_path: Path):
    added = run_in_city("hospital", "add", "H001", "--name", "健康城第九医院")
    known = _line(added, "organisation").split()[-1]
    lists = tmp_path / "hospitals.csv"
    lists.write_text(f"location,organization\n0,{known}\nfake-vtrcks-pin-01,nobody\n")
    wrong = run_in_city("import", "bulk-publish", str(FEED), "--organizations", str(lists))
    assert wrong.returncode == 1
    assert "hospitals.csv:3: there is no institution 'nobody'" in wrong.stderr
    lists.write_text(f"location,organization\n0,{known}\nLocation/77,{known}\n")
    wanted = ("import", "bulk-publish", str(FEED), "--organizations", str(lists))
    done = run_in_city(*wanted)
    assert done.returncode == 0, done.stderr
    assert (
        "hospitals.csv:3: the feed has no location of the id, identifier or name 'Location/77'" in done.stderr
    )
    assert run_in_city(*wanted, "--strict").returncode == 1
    own = run_in_city("import", "bulk-publish", str(FEED), "--json")
    assert '"Location": {\n      "created": 1' in own.stdout
