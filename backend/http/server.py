"""Serve HTTP: fork, listen, and stop without dropping what was begun."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Awaitable, Callable

import tornado.netutil
import tornado.process
import uvloop
from tornado.httpserver import HTTPServer
from tornado.web import Application

from backend.http.body_limit import DISCARDED

log = logging.getLogger(__name__)

Opened = tuple[Application, Callable[[], Awaitable[None]]]


def serve(
    open_app: Callable[[], Awaitable[Opened]],
    *,
    host: str,
    port: int,
    processes: int = 1,
    grace_s: int = 20,
    max_body_bytes: int = 1_048_576,
) -> None:
    """Serve until SIGTERM or SIGINT. `open_app` runs inside each process's own event loop, after the fork."""
    sockets = tornado.netutil.bind_sockets(port, address=host, backlog=1024)
    if processes != 1:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="healthycity-metrics-"))
        tornado.process.fork_processes(processes, max_restarts=100)
    uvloop.run(_serve(open_app, sockets, grace_s, max_body_bytes))


async def _serve(
    open_app: Callable[[], Awaitable[Opened]],
    sockets: list[socket.socket],
    grace_s: int,
    max_body_bytes: int,
) -> None:
    app, close = await open_app()
    server = HTTPServer(
        app,
        # What forwarding headers say is weighed in one place: base.py, `caller_address`.
        xheaders=False,
        max_body_size=max_body_bytes * DISCARDED,
        max_header_size=32_768,
        idle_connection_timeout=75,
        body_timeout=30,
    )
    server.add_sockets(sockets)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("serving", extra={"port": sockets[0].getsockname()[1]})
    await stop.wait()
    log.info("stopping")
    server.stop()
    # Let begun requests answer; then hang up on idle connections.
    await app.settings["in_flight"].until_idle(grace_s)
    await server.close_all_connections()
    await close()
