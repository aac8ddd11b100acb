"""What a person reads when the demo is ready: one table that fits a terminal, its links whole."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from backend.demo.environment import DemoPlaces
from backend.demo.report import print_welcome, write_city_file

ROLES = ("city_operator", "hospital_operator", "doctor", "finance", "auditor")
LOGINS = {
    "hospitals": [],
    "staff": [{"login": role, "password": "a9r3-on4v-rj6d-v7nr", "role": role} for role in ROLES],
    "residents": [{"phone": f"1390000000{number}"} for number in range(1, 4)],
}


@pytest.fixture
def welcome(tmp_path: Path) -> str:
    """The table as a terminal of 80 columns shows it, with ports as long as they get."""
    places = DemoPlaces(tmp_path / ".demo", 28_000, 28_100)
    city = write_city_file(places.city_file, places.web_url, places.sandbox_url, LOGINS)
    shown = io.StringIO()
    print_welcome(Console(file=shown, width=80), places, city, 7.3)
    return shown.getvalue()


def test_the_table_fits_eighty_columns_and_breaks_no_link(welcome: str):
    links = re.findall(r"https?://\S+", welcome)
    assert links == [
        "http://127.0.0.1:28000/",
        "http://127.0.0.1:28000/admin",
        "http://127.0.0.1:28000/api/docs",
        "http://127.0.0.1:28100/",
        "http://127.0.0.1:28100/phone?number=13900000001",
        "http://127.0.0.1:28100/cashier",
        "http://127.0.0.1:28100/window",
    ]


def test_the_table_names_every_login_and_the_command_of_the_one_time_code(welcome: str):
    for told in (*ROLES, "a9r3-on4v-rj6d-v7nr", "13900000001 or 13900000002", "healthycity staff code city"):
        assert told in welcome


def test_paths_are_told_as_they_are_typed_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    places = DemoPlaces(tmp_path / ".demo", 8000, 8100)
    shown = io.StringIO()
    city = {"web": places.web_url, "sandbox": places.sandbox_url, **LOGINS}
    print_welcome(Console(file=shown, width=80), places, city, 7.3)
    assert "│ .demo/city.json " in shown.getvalue()
    assert "--city-file" not in shown.getvalue()
