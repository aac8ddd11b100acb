"""A whole demo city as a process: what a person starts with `make demo`."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from backend.demo.leash import free_port
from tests.support.polling import poll_sync

START_WITHIN_S = 90


@dataclass
class Demo:
    """A running `healthycity demo`."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: Path

    @property
    def city_file(self) -> Path:
        """What it writes for scripts."""
        return self.folder / "city.json"

    @property
    def city(self) -> dict[str, Any]:
        """Addresses and logins."""
        return dict(json.loads(self.city_file.read_text()))

    def family(self) -> list[psutil.Process]:
        """Itself and everything it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def has_started(self) -> bool:
        """Whether it is ready; fails when it has ended instead."""
        if self.process.poll() is not None:
            raise AssertionError(f"the demo ended: {self.said.read_text()}")
        return self.city_file.exists()

    def await_ready(self) -> None:
        """Wait until it has said where everything is."""
        poll_sync(self.has_started, deadline_s=START_WITHIN_S, what="the demo's start")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop and wait."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


def start_demo(root: Path, *options: str, resident_app: Path | None = None) -> Demo:
    """Start a demo on free ports, its folder under `root`; the resident app is the built one unless given."""
    folder, said = root / "demo", root / "said"
    (folder / "city.json").unlink(missing_ok=True)
    names = ("--port", "--sandbox-port", "--mllp-port", "--his-port")
    ports = [word for name in names for word in (name, str(free_port()))]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend", "demo", "--folder", str(folder), *ports, *options],
            env=_environment(resident_app),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Demo(process, folder, said)


def _environment(resident_app: Path | None) -> dict[str, str]:
    """Ours, without servers that the demo should bring itself."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MONGODB_URI", "BROKER_URL", "REDIS_URL")
    }
    return own | ({"MINIPROGRAM_DIR": str(resident_app)} if resident_app else {})
