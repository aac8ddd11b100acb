"""The supervisor restarts what dies, gives up on what keeps dying, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.demo.errors import DemoError
from backend.demo.supervisor import StopRequested, Supervisor, stop_signals
from tests.backend.demo.test_leash import first_number, is_running
from tests.support.polling import poll_sync

SLEEPS = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
DIES = [sys.executable, "-c", "raise SystemExit(3)"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(tmp_path, said.append) as running:
        yield running


def watch_in_background(supervisor: Supervisor) -> list[BaseException]:
    """Watch in a thread that ends with the test; returns where its failure appears."""
    failures: list[BaseException] = []

    def watch() -> None:
        try:
            supervisor.watch()
        except DemoError as failure:
            failures.append(failure)

    threading.Thread(target=watch, daemon=True).start()
    return failures


def test_stopping_ends_every_process(tmp_path: Path):
    with Supervisor(tmp_path, print) as supervisor:
        supervisor.start("one", SLEEPS, os.environ)
        supervisor.start("two", SLEEPS, os.environ)
        pids = [first_number(supervisor.log_of(name)) for name in ("one", "two")]
        assert all(is_running(pid) for pid in pids)
    assert not any(is_running(pid) for pid in pids)


def test_a_process_that_dies_is_started_again(supervisor: Supervisor, said: list[str]):
    supervisor.start("worker", SLEEPS, os.environ)
    log = supervisor.log_of("worker")
    first = first_number(log)
    watch_in_background(supervisor)
    os.kill(first, signal.SIGKILL)
    pids = poll_sync(lambda: (lines := log.read_text().split())[1:] and lines, what="a second start")
    assert is_running(int(pids[1]))
    assert said == ["worker ended with code -9; starting it again"]


def test_a_process_that_keeps_dying_ends_the_demo_with_one_sentence(supervisor: Supervisor):
    supervisor.start("web", DIES, os.environ)
    failures = watch_in_background(supervisor)
    failure = poll_sync(lambda: failures and failures[0], what="giving up")
    assert str(failure) == f"web keeps ending (code 3): see {supervisor.log_of('web')}."


def test_a_process_that_ends_before_it_is_ready_is_named(supervisor: Supervisor):
    supervisor.start("sandbox", DIES, os.environ)
    with pytest.raises(DemoError, match=r"sandbox ended with code 3: see .*sandbox\.jsonl"):
        supervisor.await_ready("sandbox", lambda: False, within_s=10)


def test_a_process_that_never_gets_ready_is_named(supervisor: Supervisor):
    supervisor.start("sandbox", SLEEPS, os.environ)
    with pytest.raises(DemoError, match="sandbox was not ready within 0 s"):
        supervisor.await_ready("sandbox", lambda: False, within_s=0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_of_asking_us_to_stop_is_one(number: signal.Signals):
    # The run itself may have been started with nohup.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        expect_stop(number)
    finally:
        signal.signal(number, before)


def expect_stop(number: signal.Signals) -> None:
    with stop_signals(), pytest.raises(StopRequested):
        signal.raise_signal(number)


def test_a_program_under_nohup_survives_its_terminal():
    code = (
        "import os, signal\n"
        "from backend.demo.supervisor import stop_signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with stop_signals():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "still here\n"
