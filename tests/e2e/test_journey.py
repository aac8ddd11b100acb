"""`healthycity journey` holds against a city that was started the way a person starts it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo import Demo, start_demo

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    root = tmp_path_factory.mktemp("journey")
    (root / "h5").mkdir()
    (root / "h5" / "index.html").write_text("<!doctype html>")
    running = start_demo(root, resident_app=root / "h5")
    try:
        running.await_ready()
        yield running
    finally:
        running.stop()


def journey(city_file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend", "journey", "--city-file", str(city_file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_the_whole_journey_holds_twice(demo: Demo):
    for _ in range(2):
        done = journey(demo.city_file)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("✓") == 13
        assert "the whole journey held" in done.stdout


def test_a_journey_that_does_not_hold_fails_and_names_the_step(demo: Demo, tmp_path: Path):
    # A city that says its counter is elsewhere: the first step that needs it fails.
    broken = tmp_path / "city.json"
    broken.write_text(demo.city_file.read_text().replace('"client_secret": "', '"client_secret": "wrong'))
    done = journey(broken)
    assert done.returncode == 1
    assert "recognised at the counter" in done.stderr
    assert "invalid_client" in done.stderr
