"""A leashed child stops when asked, when it must, and when its parent is gone."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from backend.demo.leash import free_port, is_port_free, start_leashed, stop_leashed
from tests.support.polling import poll_sync

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(grandchild.pid, flush=True)
time.sleep(60)
"""

PARENT = """
import sys, time
from pathlib import Path
from backend.demo.leash import start_leashed
child = start_leashed([sys.executable, "-c", "import time; time.sleep(60)"], log=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def first_number(log: Path) -> int:
    return poll_sync(
        lambda: int((log.read_text() if log.exists() else "").partition("\n")[0] or 0), what="a pid"
    )


def test_a_child_stops_when_it_is_asked(tmp_path: Path):
    child = start_leashed([sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "log")
    assert stop_leashed(child) == -signal.SIGTERM


def test_a_child_that_will_not_stop_is_killed_with_all_it_started(tmp_path: Path):
    child = start_leashed([sys.executable, "-c", STUBBORN], log=tmp_path / "log")
    grandchild = first_number(tmp_path / "log")
    assert stop_leashed(child, within_s=0.2) == -signal.SIGKILL
    poll_sync(lambda: not is_running(grandchild), what="the end of the grandchild")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path):
    said = tmp_path / "said"
    with said.open("w") as output:
        parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=output)
    child = first_number(said)
    assert is_running(child)
    parent.kill()
    parent.wait()
    poll_sync(lambda: not is_running(child), what="the end of the child")


def test_a_child_does_not_hear_the_terminals_interrupt(tmp_path: Path):
    child = start_leashed([sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "log")
    try:
        assert os.getpgid(child.pid) != os.getpgid(0)
    finally:
        stop_leashed(child)


def test_a_port_in_use_is_not_free():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_port_free(taken.getsockname()[1])
    assert is_port_free(free_port())
