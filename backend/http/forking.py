"""Several web processes behind one port: forked, watched, restarted, and stopped together.

The parent serves nothing. It passes SIGTERM and SIGINT on to its children, waits until each has finished what
it had begun, and ends with 0 when all of them did. A child that dies by itself is started again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

log = logging.getLogger(__name__)

MOST_RESTARTS = 100
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_OURS = "healthycity-metrics-"
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def share_metrics() -> None:
    """Have the metrics of all processes added up.

    The metrics library decides when it is first imported, so this has to come before any import of ours.
    """
    if not os.environ.get(METRICS_FOLDER):
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix=_OURS)


def fork(processes: int, sockets: Sequence[socket.socket]) -> None:
    """Return in each of so many children (0: one for each core); in the parent, never.

    The parent keeps the listening sockets for those it starts again, and lets go of them when it stops:
    a connection that nobody will accept is refused at once.
    """
    parent = _Parent(sockets)
    if parent.run(processes or os.cpu_count() or 1):
        return
    folder = Path(os.environ.get(METRICS_FOLDER, ""))
    if folder.name.startswith(_OURS):
        # A folder that the operator gave is shared with the worker and stays.
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(parent.exit_code)


class _Parent:
    """Starts children and waits for them."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.exit_code = 0
        self._sockets = sockets
        self._children: set[int] = set()
        self._stopping = False

    def run(self, count: int) -> bool:
        """True in a child; false in the parent, once all have ended."""
        for number in _STOPPING:
            signal.signal(number, self._stop)
        for _ in range(count):
            if self._start():
                return True
        return self._watch()

    def _watch(self) -> bool:
        restarts = 0
        while self._children:
            pid, status = os.wait()
            self._children.discard(pid)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                # One that was asked to stop before it could listen has ended as it was asked to.
                self.exit_code = self.exit_code or (0 if -code in _STOPPING else code)
            elif restarts == MOST_RESTARTS:
                log.error("web_process_given_up", extra={"pid": pid, "exit_code": code})
                self.exit_code = 1
            else:
                restarts += 1
                log.warning("web_process_restarted", extra={"pid": pid, "exit_code": code})
                if self._start():
                    return True
        return False

    def _start(self) -> bool:
        with _signals_held_back():
            if self._stopping:
                return False
            pid = os.fork()
            if pid == 0:
                for number in _STOPPING:
                    signal.signal(number, signal.SIG_DFL)
                return True
            self._children.add(pid)
            return False

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for each in self._sockets:
            each.close()
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Between a fork and its note a signal would miss the child, or run the parent's answer in it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
