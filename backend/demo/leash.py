"""Starting a child process that never outlives us, and stopping it within a deadline."""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_WITHIN_S = 10.0
# Systems give outgoing connections ports from 32768 (Linux) or 49152 on; below, nobody takes one by accident.
BELOW_EPHEMERAL = range(20_000, 32_000)

# Loaded before any fork: the child may do nothing but the one call.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> Callable[[], None] | None:
    """What the child does before exec: ask the kernel to end it when its parent ends, however it ends."""
    libc, parent_pid = _LIBC, os.getpid()
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


def start_leashed(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program with its output appended to `log`.

    It gets its own session: Ctrl-C in the terminal reaches only us, and we decide the order of stopping.
    The kernel ties it to the thread that starts it: start from the main thread.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def stop_leashed(process: subprocess.Popen[bytes], within_s: float = STOP_WITHIN_S) -> int:
    """Ask a child to stop, insist when the deadline has passed, and return its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
    code = process.wait()
    _end_session(process.pid)
    return code


def _end_session(pid: int) -> None:
    """End what the child started itself and left behind: it led its own process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_port() -> int:
    """A port on loopback that nobody listens on, and that no outgoing connection is given meanwhile.

    Another program may still take it before its server is up: who starts one looks whether it did.
    """
    while True:
        port = secrets.choice(BELOW_EPHEMERAL)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server may still be started on this port. Raises PermissionError when we never may."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise
        except OSError:
            return False
    return True
