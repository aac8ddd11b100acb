"""Serve HTTP: fork, listen, and stop without dropping what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable

import tornado.netutil
import uvloop
from tornado.httpserver import HTTPServer
from tornado.web import Application

from backend.http.body_limit import DISCARDED
from backend.http.forking import fork

log = logging.getLogger(__name__)

HANG_UP_WITHIN_S = 1.0
# More than any handler takes (`larger_body`); what a request may really bring, body_limit.py decides.
LARGEST_BODY = 160 * 1024 * 1024
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
        fork(processes, sockets)
    _quieten_the_collector()
    uvloop.run(_serve(open_app, sockets, grace_s, max_body_bytes))


def _quieten_the_collector() -> None:
    """Requests make few cycles; collecting seldom saves some percent and the longest pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _serve(
    open_app: Callable[[], Awaitable[Opened]],
    sockets: list[socket.socket],
    grace_s: int,
    max_body_bytes: int,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app, close = await open_app()
    server = HTTPServer(
        app,
        # What forwarding headers say is weighed in one place: base.py, `caller_address`.
        xheaders=False,
        max_body_size=max(max_body_bytes * DISCARDED, LARGEST_BODY),
        max_header_size=32_768,
        idle_connection_timeout=75,
    )
    server.add_sockets(sockets)
    log.info("serving", extra={"port": sockets[0].getsockname()[1]})
    await stop.wait()
    log.info("stopping")
    # Whoever still has a connection is told, by /readyz, to take the next request elsewhere.
    app.settings["city"].closing = True
    server.stop()
    # Let begun requests answer; then hang up, and finish what was being written all the same.
    if not await app.settings["in_flight"].until_idle(grace_s):
        log.warning("grace_over", extra={"grace_s": grace_s})
    with contextlib.suppress(TimeoutError):
        # Closing a connection waits for its handler: one that outlasts the grace must not hold us up.
        await asyncio.wait_for(server.close_all_connections(), HANG_UP_WITHIN_S)
    await close()
