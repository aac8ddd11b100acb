"""Running `healthycity` in tests: in this process where it can be, else in one of its own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from backend.cli import main
from backend.settings import Settings


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, with these variables and no other settings."""

    def call(*arguments: str, **environment: str) -> Done:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["healthycity", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


def run_apart(*arguments: str, **environment: str) -> Done:
    """The command in a process of its own, for those that open the city or serve."""
    done = subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)
