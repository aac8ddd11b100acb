"""Endpoints about the process itself: alive, ready, metrics, API description, public configuration."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson

from backend import metrics
from backend.db import migrate
from backend.http.base import BaseHandler

if TYPE_CHECKING:
    from backend.bootstrap import City

log = logging.getLogger(__name__)

_WITHIN_S = 3


class HealthHandler(BaseHandler):
    """The process answers: that is all it says."""

    def get(self) -> None:
        """200 as long as the event loop turns."""
        self.finish({"status": "ok"})


class ReadyHandler(BaseHandler):
    """Whether every part this process needs is there."""

    async def get(self) -> None:
        """200 when people can be served, else 503; with the parts that are missing, and those only missed."""
        missing, degraded = await asyncio.gather(missing_parts(self.city), degraded_parts(self.city))
        self.set_status(503 if missing else 200)
        status = "missing" if missing else "degraded" if degraded else "ok"
        self.finish({"status": status, "missing": missing, "degraded": degraded})


async def missing_parts(city: City) -> list[str]:
    """Names of the parts without which nobody is served: `closing`, `database`, `migrations`."""
    missing = ["closing"] if city.closing else []
    try:
        async with asyncio.timeout(_WITHIN_S):
            await city.db.ping()
            if await migrate.pending(city.db):
                missing.append("migrations")
    except Exception as error:
        log.info("database_not_ready", extra={"error": type(error).__name__})
        missing.append("database")
    return missing


async def degraded_parts(city: City) -> list[str]:
    """Names of the parts whose work waits while people are served all the same: `broker`."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.to_thread(city.check_broker)
    except Exception as error:
        log.info("broker_not_ready", extra={"error": type(error).__name__})
        return ["broker"]
    return []


class MetricsHandler(BaseHandler):
    """Prometheus text. The reverse proxy keeps it from the outside (docs/going-live.md)."""

    def get(self) -> None:
        """Every metric of this machine's processes."""
        content_type, body = metrics.exposition()
        self.set_header("Content-Type", content_type)
        self.finish(body)


class OpenAPIHandler(BaseHandler):
    """The API description."""

    def get(self) -> None:
        """OpenAPI 3.1 as JSON."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "max-age=60")
        self.finish(orjson.dumps(self.application.settings["openapi"]))
