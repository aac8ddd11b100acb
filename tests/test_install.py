"""`.ci/install` installs once, again when something changed, and says in a sentence what a machine lacks."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "install"
TOOLS = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "cut",
    "dirname",
    "env",
    "find",
    "mkdir",
    "mktemp",
    "rm",
    "sha256sum",
    "sort",
    "xargs",
    "touch",
)

NPM = """#!/usr/bin/env bash
echo "npm $*" >> "$CALLS"
[ "$1" = install ] && mkdir -p node_modules/echarts/{dist,licenses} &&
  touch node_modules/echarts/{LICENSE,NOTICE,licenses/LICENSE-d3,dist/echarts.common.min.js}
[ "$1" = run ] && [ -n "${BROKEN:-}" ] && exit 1
[ "$*" = "run --silent build:h5" ] && { mkdir -p dist/h5; touch dist/h5/index.html; }
exit 0
"""
NODE = """#!/usr/bin/env bash
[ "$1" = -v ] && echo "v$NODE_MAJOR.1.0" || echo "$NODE_MAJOR"
"""
# Says whether it is new enough, makes a virtual environment of itself, and notes what pip is asked for.
PYTHON = """#!/usr/bin/env bash
case "$1 $2" in
  "-c import sys"*) exit "$PYTHON_TOO_OLD" ;;
  "-m venv") mkdir -p "$3/bin"; cat "$0" > "$3/bin/python"; chmod +x "$3/bin/python" ;;
  "-m pip") echo "pip ${*:4}" >> "$CALLS" ;;
  *) echo "Python 3.12.1" ;;
esac
"""


@dataclass
class Machine:
    """A project folder and a PATH with nothing but what a test puts there."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "bin").mkdir()
        (self.root / ".ci").mkdir()
        (self.root / "miniprogram" / "src").mkdir(parents=True)
        (self.root / "tests" / "judges").mkdir(parents=True)
        (self.root / "admin").mkdir()
        shutil.copy(SCRIPT, self.root / ".ci" / "install")
        for name in (
            "requirements.lock",
            "pyproject.toml",
            "miniprogram/package-lock.json",
            "tests/judges/package-lock.json",
            "admin/package-lock.json",
            "miniprogram/src/a.ts",
        ):
            (self.root / name).write_text(name)
        for tool in TOOLS:
            (self.root / "bin" / tool).symlink_to(str(shutil.which(tool)))
        self.calls.touch()

    @property
    def calls(self) -> Path:
        return self.root / "calls"

    def has(self, name: str, text: str) -> None:
        program = self.root / "bin" / name
        program.write_text(text)
        program.chmod(0o755)

    def run(self, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"NODE_MAJOR": "20", "PYTHON_TOO_OLD": "0", "CALLS": str(self.calls)}
        return subprocess.run(
            [str(self.root / "bin" / "bash"), str(self.root / ".ci" / "install"), what],
            env={"PATH": str(self.root / "bin"), "HOME": os.environ.get("HOME", "/"), **known, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def called(self) -> list[str]:
        """What has been asked of npm and pip since the last look."""
        lines = self.calls.read_text().splitlines()
        self.calls.write_text("")
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def machine_with_node(machine: Machine) -> Machine:
    machine.has("node", NODE)
    machine.has("npm", NPM)
    return machine


def test_a_missing_node_is_one_sentence(machine: Machine):
    done = machine.run("h5")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Node.js 20 or newer is needed")
    assert done.stderr.count("\n") == 1


def test_an_old_node_is_one_sentence(machine_with_node: Machine):
    done = machine_with_node.run("h5", NODE_MAJOR="18")
    assert done.returncode == 1
    assert "this is v18.1.0" in done.stderr


def test_no_python_that_is_new_enough_is_one_sentence(machine: Machine):
    machine.has("python3", PYTHON)
    done = machine.run("python", PYTHON_TOO_OLD="1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Python 3.11 or newer is needed")


def test_the_resident_app_is_built_again_only_when_its_source_has_changed(machine_with_node: Machine):
    machine = machine_with_node
    assert machine.run("h5").returncode == 0
    assert machine.called() == [
        "npm install --no-save --no-audit --no-fund --loglevel=error",
        "npm run --silent build:h5",
    ]
    assert machine.run("h5").returncode == 0
    assert machine.called() == []
    (machine.root / "miniprogram" / "src" / "a.ts").write_text("changed")
    machine.run("h5")
    assert machine.called() == ["npm run --silent build:h5"]


def test_what_judges_fhir_answers_is_installed_again_only_when_its_lock_has_changed(
    machine_with_node: Machine,
):
    machine = machine_with_node
    assert machine.run("node").returncode == 0
    assert len(machine.called()) == 2
    machine.run("node")
    assert machine.called() == []
    (machine.root / "tests/judges/package-lock.json").write_text("changed")
    machine.run("node")
    assert machine.called() == ["npm install --no-save --no-audit --no-fund --loglevel=error"]


def test_the_charts_of_the_board_are_served_with_their_licence_and_renewed_with_their_lock(
    machine_with_node: Machine,
):
    machine = machine_with_node
    assert machine.run("console").returncode == 0
    served = machine.root / "admin/static/vendor/echarts"
    assert {path.name for path in served.iterdir()} >= {"echarts.common.min.js", "LICENSE", "NOTICE"}
    assert len(machine.called()) == 1
    machine.run("console")
    assert machine.called() == []
    (machine.root / "admin/package-lock.json").write_text("changed")
    assert machine.run("console").returncode == 0
    assert len(machine.called()) == 1


def test_once_built_the_resident_app_needs_no_node(machine_with_node: Machine):
    machine_with_node.run("h5")
    (machine_with_node.root / "bin" / "node").unlink()
    assert machine_with_node.run("h5").returncode == 0


def test_a_failed_build_is_tried_again(machine_with_node: Machine):
    assert machine_with_node.run("h5", BROKEN="1").returncode == 1
    machine_with_node.called()
    assert machine_with_node.run("h5").returncode == 0
    assert machine_with_node.called() == ["npm run --silent build:h5"]


def test_python_packages_are_installed_again_only_when_the_lock_has_changed(machine: Machine):
    machine.has("python3", PYTHON)
    first = machine.run("python")
    assert first.returncode == 0, first.stderr
    assert any("--require-hashes" in call for call in machine.called())
    machine.run("python")
    assert machine.called() == []
    (machine.root / "requirements.lock").write_text("changed")
    machine.run("python")
    assert any("--require-hashes" in call for call in machine.called())
