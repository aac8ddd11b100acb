"""The process that hospitals' HL7 v2 messages come in by, and go out by to those that want them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

import uvloop

from backend import logs
from backend.bootstrap import open_city
from backend.commands.city import plain_failures, read_settings
from backend.commands.serving import checked, serve_metrics
from backend.commands.terminal import CommandError
from backend.exchange.v2.own_ports import OwnPorts
from backend.exchange.v2.server import TLS, MLLPServer
from backend.settings import Settings
from backend.worker.app import publish_sweep

log = logging.getLogger(__name__)


def listen(port: int | None, metrics_port: int | None) -> None:
    """Listen until it is asked to stop."""
    settings = checked(read_settings())
    serve_metrics(settings, metrics_port)
    logs.configure_logging("mllp", settings.log_level)
    with plain_failures():
        uvloop.run(_listen(settings, settings.mllp_port if port is None else port))


async def _listen(settings: Settings, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    city = await open_city(settings, process="mllp", publish=publish_sweep)
    exchange = city.services.exchange
    server = MLLPServer(exchange.receiver, tls=_tls(settings), idle_s=settings.mllp_idle_s)
    # The other direction: what hospitals are to be told.
    sending = asyncio.create_task(exchange.outbound.courier.run(stop))
    try:
        bound = await _bind(server, settings, port)
        own_ports = OwnPorts(server, exchange.senders, settings.mllp_host, bound)
        following = asyncio.create_task(own_ports.run(stop))
        log.info("listening", extra={"port": bound})
        await stop.wait()
        log.info("stopping")
        # Nothing is opened any more that would then have to be closed.
        await following
    finally:
        stop.set()
        await server.stop(settings.shutdown_grace_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sending, settings.shutdown_grace_s)
        await city.close()


async def _bind(server: MLLPServer, settings: Settings, port: int) -> int:
    try:
        return await server.listen(settings.mllp_host, port)
    except OSError as error:
        raise CommandError(
            f"MLLP_HOST and MLLP_PORT: {settings.mllp_host}:{port} cannot be listened on ({error.strerror})."
        ) from None


def _tls(settings: Settings) -> TLS | None:
    if settings.mllp_certificate is None or settings.mllp_certificate_key is None:
        return None
    return TLS(settings.mllp_certificate, settings.mllp_certificate_key, settings.mllp_client_ca)
